"""The two seccomp filters of the jail, as classic BPF.

`base` is an allow-list that the zygote enters before it has seen any job: everything that it and its children may
ever do. `submission` is entered by each child last and takes away what only the zygote needs.
"""

import ctypes
import struct

from kernel import AUDIT_ARCH, call, number

ALLOW = 0x7FFF0000
EPERM = 0x00050001
ENOSYS = 0x00050026
KILL = 0x80000000

_LOAD, _JEQ, _JGE, _JSET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_CLONE_THREAD = 0x00010000
_CLONE_NEW_ANY = 0x7E020000
_AF_UNIX = 1
_FIRST_UNKNOWN = 450  # calls newer than this file: ENOSYS, so that libraries fall back
_X32 = 0x40000000
_OWN_PID = 0x7EADBEEF  # stands in the program for the child's own process id

_FREE = (
    'read write futex close mmap munmap mprotect brk lseek fstat newfstatat openat open stat lstat getdents64 '
    'clock_gettime rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack exit exit_group pread64 pwrite64 readv '
    'writev madvise mremap dup dup2 dup3 pipe pipe2 poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl '
    'epoll_wait epoll_pwait eventfd2 nanosleep clock_nanosleep clock_getres gettimeofday time times getrusage getpid '
    'getppid gettid getuid geteuid getgid getegid getpgrp getpgid getsid getgroups getresuid getresgid umask '
    'set_tid_address set_robust_list rseq sched_yield sched_getaffinity getcpu sysinfo uname getrandom getrlimit '
    'setrlimit access faccessat faccessat2 readlink readlinkat getdents getcwd statx fsync ftruncate pause alarm '
    'getitimer setitimer rt_sigpending rt_sigtimedwait rt_sigsuspend wait4 waitid recvfrom shutdown getsockname '
    'getsockopt close_range'
).split()

# Needed by the zygote or by a child that is getting ready, and refused once the submission filter is on.
_ZYGOTE = (
    'fork kill pidfd_open memfd_create sendfile splice prctl seccomp landlock_restrict_self setsid setpgid'
).split()

_FCNTL = (0, 1, 2, 3, 4, 1030, 1032, 1034)  # dup, get/set flags, pipe size, seals; no locks, no owner, no signals
_IOCTL = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, close-on-exec


def base():
    """Allow-list of the zygote and its children."""
    code = _Program()
    for name in _FREE + _ZYGOTE:
        code.rule(number(name), ALLOW)
    code.unless_equal('fcntl', 1, _FCNTL, ALLOW)
    code.unless_equal('ioctl', 1, _IOCTL, ALLOW)
    code.unless_equal('prlimit64', 0, (0,), ALLOW)
    code.unless_equal('socketpair', 0, (_AF_UNIX,), ALLOW)
    code.unless_equal('sendto', 4, (0,), ALLOW)
    code.unless_bits('clone', 0, _CLONE_NEW_ANY, wanted=False)
    code.rule(number('tgkill'), ALLOW)
    code.rule(number('clone3'), ENOSYS)
    return code.finish(EPERM)


class Submission:
    """What a child gives up last: new processes, signals to others, and the means to prepare a jail. Built once."""

    def __init__(self):
        code = _Program()
        for name in _ZYGOTE:
            code.rule(number(name), EPERM)
        code.unless_bits('clone', 0, _CLONE_THREAD, wanted=True)
        code.unless_equal('tgkill', 0, (_OWN_PID,), ALLOW)
        program = code.finish(ALLOW)
        self._buffer = ctypes.create_string_buffer(program, len(program))
        self._pid = ctypes.c_uint32.from_buffer(self._buffer, program.index(struct.pack('I', _OWN_PID)))
        self._header = _header(self._buffer)

    def install(self, pid):
        self._pid.value = pid
        call('seccomp', 1, 0, self._header)


def install(program):
    """Enters a filter for good; PR_SET_NO_NEW_PRIVS must be on."""
    buffer = ctypes.create_string_buffer(program, len(program))
    call('seccomp', 1, 0, _header(buffer))


def _header(buffer):
    return ctypes.c_char_p(struct.pack('HxxxxxxP', len(buffer) // 8, ctypes.addressof(buffer)))


class _Program:
    def __init__(self):
        if AUDIT_ARCH is None:
            raise OSError(38, 'no system call numbers for this machine')
        self._code = []
        self._put(_LOAD, 4)
        self._put(_JEQ, AUDIT_ARCH, yes=1)
        self._put(_RETURN, KILL)
        self._put(_LOAD, 0)
        self._put(_JGE, _X32, no=1)
        self._put(_RETURN, KILL)

    def rule(self, nr, action):
        if nr is not None:
            self._put(_JEQ, nr, no=1)
            self._put(_RETURN, action)

    def unless_equal(self, name, argument, values, action):
        """`action` when the argument (all 64 bits) is one of `values`, else EPERM."""
        nr = number(name)
        if nr is None:
            return
        n = len(values)
        self._put(_JEQ, nr, no=n + 5)
        self._put(_LOAD, 20 + 8 * argument)
        self._put(_JEQ, 0, no=n + 1)
        self._put(_LOAD, 16 + 8 * argument)
        for i, value in enumerate(values):
            self._put(_JEQ, value, yes=n - i)
        self._put(_RETURN, EPERM)
        self._put(_RETURN, action)

    def unless_bits(self, name, argument, bits, wanted):
        """ALLOW when any of `bits` is set (`wanted`) or none is (not `wanted`), else EPERM."""
        self._put(_JEQ, number(name), no=4)
        self._put(_LOAD, 16 + 8 * argument)
        self._put(_JSET, bits, yes=0 if wanted else 1, no=1 if wanted else 0)
        self._put(_RETURN, ALLOW)
        self._put(_RETURN, EPERM)

    def finish(self, default):
        if default != ALLOW:
            self._put(_JGE, _FIRST_UNKNOWN, no=1)
            self._put(_RETURN, ENOSYS)
        self._put(_RETURN, default)
        return b''.join(self._code)

    def _put(self, code, k, yes=0, no=0):
        self._code.append(struct.pack('HBBI', code, yes, no, k))
