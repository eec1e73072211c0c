/** One way to what a submission must not reach; Python that raises OSError when it is refused. */
interface Attack {
  readonly name: string;
  readonly attempt: string;
}

const ADDRESS = `struct.pack('H108s', socket.AF_UNIX, SOCKET.encode())`;

/** Every way to the socket and to the process behind it, which is the first of its namespace. */
export const ATTACKS: readonly Attack[] = [
  ['connect to the socket', 'socket.socket(socket.AF_UNIX).connect(SOCKET)'],
  ['connect without Python', 'call(libc.socket(1, 1, 0))'],
  [
    'connect a socket that it may have',
    `a, b = socket.socketpair()\n    data = ${ADDRESS}\n    call(libc.connect(a.fileno(), data, len(data)))`,
  ],
  [
    'send to the socket by its name',
    'a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)\n    a.sendto(b"x", SOCKET)',
  ],
  [
    'send a message to the socket by its name',
    'a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)\n    a.sendmsg([b"x"], [], 0, SOCKET)',
  ],
  ['listen where the socket is', 'socket.socket(socket.AF_UNIX).bind(SOCKET)'],
  ['open the socket as a file', 'os.open(SOCKET, os.O_RDWR)'],
  ['list the folder of the socket', 'os.listdir(os.path.dirname(SOCKET))'],
  ['remove the socket', 'os.unlink(SOCKET)'],
  ['move the socket', 'os.rename(SOCKET, SOCKET + ".old")'],
  ['link to the socket', 'os.link(SOCKET, "/tmp/link")'],
  ['change who may use the socket', 'os.chmod(SOCKET, 0o777)'],
  ['write beside the socket', 'open(SOCKET + ".more", "wb")'],
  ['use a connection that it inherited', 'inherited()'],
  ['receive a descriptor', 'a, b = socket.socketpair()\n    a.recvmsg(1, 100)'],
  ['list the descriptors of the parent', 'os.listdir("/proc/1/fd")'],
  ['follow a descriptor of the parent', 'open("/proc/1/fd/3", "rb")'],
  ['follow a descriptor of its zygote', 'open(f"/proc/{os.getppid()}/fd/11", "r+b")'],
  ['take a descriptor of the parent', 'call(libc.syscall(434, 1, 0))'],
  ['read the memory of the parent', 'open("/proc/1/mem", "rb")'],
  ['read the environment of the parent', 'open("/proc/1/environ", "rb")'],
  ['see the files of the parent', 'os.listdir("/proc/1/root/")'],
  ['trace the parent', 'call(libc.ptrace(16, 1, 0, 0))'],
  ['copy the memory of the parent', 'call(libc.process_vm_readv(1, 0, 0, 0, 0, 0))'],
  ['signal the parent', 'os.kill(1, 0)'],
  ['signal its zygote', 'os.kill(os.getppid(), 0)'],
  ['signal a group', 'os.killpg(os.getpgid(0), 0)'],
  ['leave its group', 'os.setsid()'],
  ['limit the parent', 'call(libc.prlimit(1, 7, bytes(16), None))'],
  ['start a process that stays', 'os.fork()'],
  ['become another program', 'os.execv(sys.executable, ["python3", "-c", "pass"])'],
  ['ask by io_uring', 'call(libc.syscall(425, 1, bytes(120)))'],
].map(([name = '', attempt = '']) => ({ name, attempt }));

export function attackOn(path: string, attempt: string): string {
  return `import ctypes, os, socket, stat, struct, sys
SOCKET = ${JSON.stringify(path)}
libc = ctypes.CDLL(None, use_errno=True)

def call(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

def inherited():
    for fd in range(64):
        try:
            mode = os.fstat(fd).st_mode
        except OSError:
            continue
        if stat.S_ISSOCK(mode):
            return
    raise OSError('none')

try:
    ${attempt}
    print('reached')
except OSError as error:
    print('refused:', type(error).__name__)
`;
}
