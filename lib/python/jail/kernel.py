"""System calls that Python's standard library does not wrap, on x86-64 and aarch64."""

import ctypes
import os
import platform

libc = ctypes.CDLL(None, use_errno=True)
_fork = ctypes.PyDLL(None).fork  # keeps the interpreter's lock

MACHINE = platform.machine()

# name: (x86-64, aarch64); None where the architecture has no such call.
NUMBERS = {
    'read': (0, 63), 'write': (1, 64), 'open': (2, None), 'close': (3, 57), 'stat': (4, None),
    'fstat': (5, 80), 'lstat': (6, None), 'poll': (7, None), 'lseek': (8, 62), 'mmap': (9, 222),
    'mprotect': (10, 226), 'munmap': (11, 215), 'brk': (12, 214), 'rt_sigaction': (13, 134),
    'rt_sigprocmask': (14, 135), 'rt_sigreturn': (15, 139), 'ioctl': (16, 29), 'pread64': (17, 67),
    'pwrite64': (18, 68), 'readv': (19, 65), 'writev': (20, 66), 'access': (21, None), 'pipe': (22, None),
    'select': (23, None), 'sched_yield': (24, 124), 'mremap': (25, 216), 'madvise': (28, 233),
    'dup': (32, 23), 'dup2': (33, None), 'pause': (34, None), 'nanosleep': (35, 101), 'getitimer': (36, 102),
    'alarm': (37, None), 'setitimer': (38, 103), 'getpid': (39, 172), 'sendfile': (40, 71),
    'sendto': (44, 206), 'recvfrom': (45, 207), 'shutdown': (48, 210), 'getsockname': (51, 204),
    'socketpair': (53, 199), 'getsockopt': (55, 209), 'clone': (56, 220), 'fork': (57, None),
    'execve': (59, 221), 'exit': (60, 93), 'wait4': (61, 260), 'kill': (62, 129), 'uname': (63, 160),
    'fcntl': (72, 25), 'fsync': (74, 82), 'ftruncate': (77, 46), 'getdents': (78, None), 'getcwd': (79, 17),
    'readlink': (89, None), 'umask': (95, 166), 'gettimeofday': (96, 169), 'getrlimit': (97, 163),
    'getrusage': (98, 165), 'sysinfo': (99, 179), 'times': (100, 153), 'ptrace': (101, 117),
    'getuid': (102, 174), 'getgid': (104, 176), 'geteuid': (107, 175), 'getegid': (108, 177),
    'setpgid': (109, 154), 'getppid': (110, 173), 'getpgrp': (111, None), 'setsid': (112, 157),
    'getgroups': (115, 158), 'getresuid': (118, 148), 'getresgid': (120, 150), 'getpgid': (121, 155),
    'getsid': (124, 156), 'capset': (126, 91), 'rt_sigpending': (127, 136), 'rt_sigtimedwait': (128, 137),
    'rt_sigsuspend': (130, 133), 'sigaltstack': (131, 132), 'prctl': (157, 167), 'setrlimit': (160, 164),
    'mount': (165, 40), 'gettid': (186, 178), 'time': (201, None), 'futex': (202, 98),
    'sched_getaffinity': (204, 123), 'epoll_create': (213, None), 'getdents64': (217, 61),
    'set_tid_address': (218, 96), 'clock_gettime': (228, 113), 'clock_getres': (229, 114),
    'clock_nanosleep': (230, 115), 'exit_group': (231, 94), 'epoll_wait': (232, None), 'epoll_ctl': (233, 21),
    'tgkill': (234, 131), 'waitid': (247, 95), 'openat': (257, 56), 'newfstatat': (262, 79),
    'readlinkat': (267, 78), 'faccessat': (269, 48), 'pselect6': (270, 72), 'ppoll': (271, 73),
    'unshare': (272, 97), 'set_robust_list': (273, 99), 'splice': (275, 76), 'epoll_pwait': (281, 22),
    'eventfd2': (290, 19), 'epoll_create1': (291, 20), 'dup3': (292, 24), 'pipe2': (293, 59),
    'prlimit64': (302, 261), 'getcpu': (309, 168), 'process_vm_readv': (310, 270), 'seccomp': (317, 277),
    'getrandom': (318, 278), 'memfd_create': (319, 279), 'bpf': (321, 280), 'statx': (332, 291),
    'rseq': (334, 293), 'io_uring_setup': (425, 425), 'pidfd_open': (434, 434), 'clone3': (435, 435),
    'close_range': (436, 436), 'faccessat2': (439, 439), 'landlock_create_ruleset': (444, 444),
    'landlock_add_rule': (445, 445), 'landlock_restrict_self': (446, 446),
}

_COLUMN = {'x86_64': 0, 'aarch64': 1}.get(MACHINE)

# AUDIT_ARCH_* of <linux/audit.h>
AUDIT_ARCH = {'x86_64': 0xC000003E, 'aarch64': 0xC00000B7}.get(MACHINE)

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38


def number(name):
    """The call's number on this machine, or None."""
    return None if _COLUMN is None else NUMBERS[name][_COLUMN]


def call(name, *args):
    """Makes a system call by name; raises OSError when it fails."""
    nr = number(name)
    if nr is None:
        raise OSError(38, f'{name} is not known on {MACHINE}')
    wide = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    result = libc.syscall(ctypes.c_long(nr), *wide)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f'{name}: {os.strerror(code)}')
    return result


def prctl(option, value):
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f'prctl({option}): {os.strerror(code)}')


def memory_file():
    """An anonymous file in memory; not every build of Python has `os.memfd_create`."""
    return call('memfd_create', ctypes.c_char_p(b'jail'), 1)


def pidfd(pid):
    return call('pidfd_open', pid, 0)


def fork():
    """As `os.fork` for a process with one thread, without the hooks that run Python in the child.

    Each line of Python that a child runs copies pages: the hooks alone cost a fifth of an execution. What they would
    do is done elsewhere or not needed: no lock is held, no thread has to be forgotten, and `random` keeps the state
    that the zygote seeded, so that a submission draws the same numbers whenever it is run.
    """
    pid = _fork()
    if pid < 0:
        raise OSError(ctypes.get_errno(), 'fork')
    return pid
