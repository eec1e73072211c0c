"""Tries every way to all that a submission must not reach, as one would; prints a row for each try.

Run in the jail by `submission.ts`, which gives the targets as JSON on standard input.
"""

import ctypes
import errno
import json
import os
import socket
import struct
import sys

import kernel

TIMEOUT_S = 0.5
PTRACE_SEIZE = 0x4206  # does not stop what it seizes
QUESTION = bytes.fromhex('000001000001000000000000') + b'\0\0\x02\0\x01'  # which name servers the root has

libc = ctypes.CDLL(None, use_errno=True)
rows = []


def attempt(target, tried, act):
    try:
        act()
        outcome = 'reached'
    except TimeoutError:
        outcome = 'timed out'
    except socket.gaierror as error:
        outcome = error.strerror
    except OSError as error:
        outcome = errno.errorcode.get(error.errno, str(error))
    rows.append({'target': target, 'tried': tried, 'outcome': outcome})


def call(result):
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(TIMEOUT_S)
        s.connect(address)


def connect_by_name(host, port):
    socket.create_connection((host, port), TIMEOUT_S).close()


def connect_by_call(data):
    fd = call(libc.socket(struct.unpack_from('H', data)[0], 1, 0))
    call(libc.connect(fd, data, len(data)))


def connect_pair(data):
    """A pair is the one kind of socket that a submission may have."""
    a, b = socket.socketpair()
    call(libc.connect(a.fileno(), data, len(data)))


def send_by_pair(data):
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    call(libc.sendto(a.fileno(), b'x', 1, 0, data, len(data)))


def datagram(host, port):
    with socket.socket(family_of(host), socket.SOCK_DGRAM) as s:
        s.sendto(b'x', (host, port))


def question(host):
    with socket.socket(family_of(host), socket.SOCK_DGRAM) as s:
        s.settimeout(TIMEOUT_S)
        s.sendto(QUESTION, (host, 53))
        s.recv(512)


def family_of(host):
    return socket.AF_INET6 if ':' in host else socket.AF_INET


def is_number(host):
    try:
        socket.inet_pton(family_of(host), host)
        return True
    except OSError:
        return False


def inet(host, port):
    return struct.pack('=H', socket.AF_INET) + struct.pack('!H4s8x', port, socket.inet_aton(host))


def unix(path):
    return struct.pack('=H', socket.AF_UNIX) + os.fsencode(path) + b'\0'


def read(path):
    if os.path.isdir(path):
        os.listdir(path)
    else:
        with open(path, 'rb') as file:
            file.read(1)


def fork(how):
    if how() == 0:
        os._exit(0)
    os.wait()


def execute():
    # A program that is not there: with the call permitted, the answer would be "no such file".
    try:
        os.execv('/nonexistent/program', ['program'])
    except FileNotFoundError:
        return


def environment():
    if not os.environ:
        raise OSError('empty')


def descriptors():
    """Beside the standard three and the four that the harness uses."""
    for fd in range(7, 64):
        try:
            os.fstat(fd)
            return
        except OSError:
            pass
    raise OSError('none')


def main():
    given = json.load(sys.stdin)
    for address in given['addresses']:
        host, port = address['host'], address['port']
        target = f'[{host}]:{port}' if ':' in host else f'{host}:{port}'
        attempt(target, 'connect', lambda: connect_by_name(host, port))
        if is_number(host):
            attempt(target, 'datagram', lambda: datagram(host, port))
        if is_number(host) and ':' not in host:
            attempt(target, 'system call', lambda: connect_by_call(inet(host, port)))
            attempt(target, 'connect of a pair', lambda: connect_pair(inet(host, port)))
    for name in given['names']:
        attempt(name, 'look up', lambda: socket.getaddrinfo(name, 80))
    for host in given['resolvers']:
        attempt(host, 'question', lambda: question(host))
        attempt(host, 'connect', lambda: connect_by_name(host, 53))
    for path in given['sockets']:
        attempt(path, 'connect', lambda: connect(socket.AF_UNIX, path))
        attempt(path, 'system call', lambda: connect_by_call(unix(path)))
        attempt(path, 'connect of a pair', lambda: connect_pair(unix(path)))
        attempt(path, 'datagram of a pair', lambda: send_by_pair(unix(path)))
        attempt(path, 'open', lambda: os.close(os.open(path, os.O_RDWR)))
    for path in given['paths']:
        attempt(path, 'read', lambda: read(path))
    attempt('environment', 'read', environment)
    attempt('descriptors', 'inherit', descriptors)
    attempt('another process', 'fork', lambda: fork(os.fork))
    attempt('another process', 'system call', lambda: fork(kernel.fork))
    attempt('another program', 'execute', execute)
    for name, pid in (('process 1', 1), ('parent process', os.getppid())):
        attempt(name, 'trace', lambda: call(libc.ptrace(PTRACE_SEIZE, pid, 0, 0)))
        attempt(name, 'read its memory', lambda: call(libc.process_vm_readv(pid, 0, 0, 0, 0, 0)))
        attempt(name, 'signal', lambda: os.kill(pid, 0))
        attempt(name, 'limit', lambda: call(libc.prlimit(pid, 7, None, ctypes.create_string_buffer(16))))
    json.dump(rows, sys.stdout)


main()
