"""Landlock: no file but the Python runtime, read-only; no TCP; no signal or abstract socket across the domain."""

import ctypes
import os
import struct

from kernel import call

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_TRUNCATE = 1 << 14

# Rights over files that each ABI version can take away (<linux/landlock.h>).
_FS_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_ALL_NET = 3
_ALL_SCOPES = 3


def abi():
    """Version that the kernel offers; 0 when it has none."""
    try:
        return call('landlock_create_ruleset', 0, 0, 1)
    except OSError:
        return 0


def enter_files(version, readable, devices):
    """Confines this process and its children to reading below `readable`, and to the `devices`."""
    rights = _FS_RIGHTS[min(version, 5)]
    handled = (1 << rights) - 1
    ruleset = _ruleset(version, handled, _ALL_NET)
    for path in readable:
        _grant(ruleset, path, _READ_FILE | (_READ_DIR if os.path.isdir(path) else 0))
    for path in devices:
        _grant(ruleset, path, (_READ_FILE | _WRITE_FILE | _TRUNCATE) & handled)
    call('landlock_restrict_self', ruleset, 0)
    os.close(ruleset)


def scope_ruleset(version):
    """Only cuts signals and abstract sockets: each child enters it, so that siblings are apart. -1: there is none."""
    return _ruleset(version, 0, 0) if version >= 6 else -1


def _ruleset(version, files, net):
    fields = [files]
    if version >= 4:
        fields.append(net)
    if version >= 6:
        fields.append(_ALL_SCOPES)
    attributes = struct.pack(f'{len(fields)}Q', *fields)
    return call('landlock_create_ruleset', ctypes.c_char_p(attributes), len(attributes), 0)


def _grant(ruleset, path, rights):
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    rule = struct.pack('=Qi', rights, parent)
    call('landlock_add_rule', ruleset, 1, ctypes.c_char_p(rule), 0)
    os.close(parent)
