"""What the zygote gives up before it takes its first job."""

import ctypes
import os
import resource
import struct
import sys

import landlock
import syscall_filter
from kernel import AUDIT_ARCH, PR_SET_CHILD_SUBREAPER, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG
from kernel import call, number, prctl

_NEWIPC, _NEWUTS, _NEWUSER, _NEWPID, _NEWNET = 0x08000000, 0x04000000, 0x10000000, 0x20000000, 0x40000000
_SPACES = _NEWIPC | _NEWUTS | _NEWPID | _NEWNET

# Inherited by every child; what depends on the job is set there.
_LIMITS = {
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_MEMLOCK: 0,
    resource.RLIMIT_MSGQUEUE: 0,
    resource.RLIMIT_NOFILE: 64,
}
_PROCESSES = 128

_NOBODY = 65534
_PRIVATE_UIDS = 1_879_048_192  # far above any account, so that RLIMIT_NPROC counts our processes alone


def enter_namespaces():
    """Own process, network, IPC and host-name spaces where the kernel permits them; gives their names."""
    uid, gid = os.getuid(), os.getgid()
    user = 0 if uid == 0 else _NEWUSER
    try:
        call('unshare', _SPACES | user)
    except OSError:
        return []
    if user:
        _write('/proc/self/setgroups', 'deny')
        _write('/proc/self/uid_map', f'{uid} {uid} 1')
        _write('/proc/self/gid_map', f'{gid} {gid} 1')
    return ['ipc', 'uts', 'pid', 'net'] + (['user'] if user else [])


def fork_first():
    """In a new process namespace: the child is its first process and goes on, the parent waits for it and ends."""
    pid = os.fork()
    if pid == 0:
        prctl(PR_SET_PDEATHSIG, 9)
        return
    os.close(0)
    os.close(1)
    _, status = os.waitpid(pid, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def drop_privileges(serial):
    """Root becomes a user of its own; capabilities go, a namespace's too. Gives the user id."""
    for uid in (_PRIVATE_UIDS + serial, _NOBODY) if os.getuid() == 0 else ():
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            break
        except OSError:
            continue  # not a user of this namespace, or a root without capabilities, which then stays one
    _drop_capabilities()
    if not os.access(os.__file__, os.R_OK):
        sys.exit(f'only root can read {os.path.dirname(os.__file__)}, and the jail does not run as root')
    prctl(PR_SET_PDEATHSIG, 9)  # a change of user cleared it
    return os.getuid()


class Jail:
    """The layers that hold here, entered by the zygote at once and by each child a second time."""

    def __init__(self, layers):
        self.layers = layers
        self.counts_processes = layers['uid'] >= _PRIVATE_UIDS or 'user' in layers['namespaces']
        self._scope = -1
        self._filtered = False
        self._submission = syscall_filter.Submission() if AUDIT_ARCH is not None else None

    def close_in(self):
        """Not dumpable, no new privileges, then Landlock and seccomp; notes in `layers` what was reached."""
        for limit, most in _LIMITS.items():
            resource.setrlimit(limit, (most, most))
        if self.counts_processes:
            resource.setrlimit(resource.RLIMIT_NPROC, (_PROCESSES, _PROCESSES))
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        prctl(PR_SET_DUMPABLE, 0)
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        version = self.layers['landlock'] = landlock.abi()
        if version > 0:
            self._scope = landlock.scope_ruleset(version)
            landlock.enter_files(version, _runtime(), ('/dev/null', '/dev/zero', '/dev/urandom', '/dev/random'))
        try:
            syscall_filter.install(syscall_filter.base())
            self._filtered = True
        except OSError as error:
            self.layers['fault'] = str(error)
        self.layers['seccomp'] = self._filtered

    @property
    def leaky(self):
        """Submissions can start processes, and we are the first of a namespace that holds them."""
        return not self._filtered and 'pid' in self.layers['namespaces']

    def enter_scope(self):
        """In a child: a domain of its own, so that it cannot signal its siblings."""
        if self._scope >= 0:
            call('landlock_restrict_self', self._scope, 0)

    def enter_filter(self):
        """In a child, last of all."""
        if self._filtered:
            self._submission.install(os.getpid())


def _runtime():
    """Folders that an import can need: the standard library, its extensions and the shared libraries below them."""
    folders = {path for path in sys.path if os.path.isdir(path)}
    folders.add(os.path.join(sys.base_prefix, 'lib'))
    folders.update(('/lib', '/lib64', '/usr/lib', '/usr/lib64', '/usr/share/zoneinfo'))
    return sorted({os.path.realpath(folder) for folder in folders if os.path.exists(folder)})


def _drop_capabilities():
    if number('capset') is None:
        return
    header = struct.pack('Ii', 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
    call('capset', ctypes.c_char_p(header), ctypes.c_char_p(bytes(24)))


def _write(path, text):
    with open(path, 'w', encoding='ascii') as file:
        file.write(text)
