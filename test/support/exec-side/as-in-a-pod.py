"""Starts `serve.py` as a restricted pod does: nothing can be gained, and the kernel gives no namespaces."""

import os
import sys

SERVE = sys.argv[1]
sys.path.insert(0, os.path.dirname(SERVE))

import syscall_filter  # noqa: E402
from kernel import PR_SET_NO_NEW_PRIVS, number, prctl  # noqa: E402

program = syscall_filter._Program()
program.rule(number('unshare'), syscall_filter.EPERM)
prctl(PR_SET_NO_NEW_PRIVS, 1)
syscall_filter.install(program.finish(syscall_filter.ALLOW))
os.execv(sys.executable, [sys.executable, '-s', '-S', '-B', SERVE])
