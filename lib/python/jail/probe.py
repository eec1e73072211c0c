"""Tries what the jail forbids, as a submission would; prints what was possible. Run by the driver at start."""

import ctypes
import json
import os
import socket
import sys

import kernel


def _connect():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        s.connect(('127.0.0.1', 9))


def _unix_socket():
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)


def _fork():
    if os.fork() == 0:
        os._exit(0)
    os.wait()


def _raw_fork():
    if kernel.fork() == 0:
        os._exit(0)
    os.wait()


def _execute():
    # A program that is not there: with the call permitted, the answer would be "no such file".
    try:
        os.execv('/nonexistent/program', ['program'])
    except FileNotFoundError:
        return


def _read(path):
    return lambda: open(path, 'rb').close()


def _write(path):
    def attempt():
        open(path, 'wb').close()
        os.remove(path)

    return attempt


def _raw(name, *args):
    return lambda: kernel.call(name, *args)


def _inherited():
    """Descriptors beside the standard three and the four that the harness uses."""
    extra = [fd for fd in range(7, 64) if _is_open(fd)]
    if not extra:
        raise OSError(0, 'none')


def _is_open(fd):
    try:
        os.fstat(fd)
        return True
    except OSError:
        return False


def _environment():
    if not os.environ:
        raise OSError(0, 'empty')


FORBIDDEN = {
    'network': _connect,
    'unix socket': _unix_socket,
    'fork': _fork,
    'raw fork': _raw_fork,
    'execute': _execute,
    'read /etc/passwd': _read('/etc/passwd'),
    'read /proc/self/environ': _read('/proc/self/environ'),
    'read /proc/self/mem': _read('/proc/self/mem'),
    'list /': lambda: os.listdir('/'),
    'list /tmp': lambda: os.listdir('/tmp'),
    'write /tmp': _write('/tmp/assay-jail-probe'),
    'write here': _write('assay-jail-probe'),
    'signal the parent': lambda: os.kill(os.getppid(), 0),
    'signal everyone': lambda: os.kill(-1, 0),
    'limits of the parent': _raw('prlimit64', os.getppid() or 1, 0, 0, ctypes.create_string_buffer(16)),
    'trace': _raw('ptrace', 16, os.getppid() or 1, 0, 0),
    'read the parent': _raw('process_vm_readv', os.getppid() or 1, 0, 0, 0, 0, 0),
    'mount': _raw('mount', ctypes.c_char_p(b'none'), ctypes.c_char_p(b'/tmp'), ctypes.c_char_p(b'tmpfs'), 0, 0),
    'namespaces': _raw('unshare', 0x10000000),
    'bpf': _raw('bpf', 0, 0, 0),
    'io_uring': _raw('io_uring_setup', 1, ctypes.create_string_buffer(120)),
    'memory file': _raw('memfd_create', ctypes.c_char_p(b'x'), 0),
    'pidfd': _raw('pidfd_open', os.getpid(), 0),
    'more memory than allowed': lambda: bytearray(8 << 30),
    'descriptors': _inherited,
    'environment': _environment,
}


def main():
    allowed = []
    for name, attempt in FORBIDDEN.items():
        try:
            attempt()
            allowed.append(name)
        except (OSError, MemoryError):
            pass
    import csv  # noqa: F401  a module that the zygote has not read: its library must be readable here

    json.dump({'tried': len(FORBIDDEN), 'allowed': allowed, 'uid': os.getuid()}, sys.stdout)


main()
