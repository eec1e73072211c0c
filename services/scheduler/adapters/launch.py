"""Runs a model server so that nothing of it outlives the scheduler.

usage: launch.py PARENT_PID GRACE_SECONDS COMMAND [ARGUMENT ...]

The server gets a session of its own. When the parent dies, however it dies, the kernel sends this launcher SIGTERM;
on SIGTERM the whole session is ended: SIGTERM first, SIGKILL after the grace. When the launcher itself is killed,
the kernel kills the server. What the server starts must stay in its session.
"""

import ctypes
import os
import signal
import sys
import time

PR_SET_PDEATHSIG = 1


def main() -> int:
    parent, grace, command = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before the line above
        return 1
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    launcher = os.getpid()
    server = os.fork()
    if server == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.setsid()
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != launcher:
            os._exit(1)
        try:
            os.execvp(command[0], command)
        except OSError as error:
            print(f"{command[0]}: {error.strerror}", file=sys.stderr, flush=True)
            os._exit(127)
    return supervise(server, grace, stopping)


def supervise(server: int, grace: float, stopping: list) -> int:
    deadline = None
    while True:
        done, status = os.waitpid(server, os.WNOHANG)
        if done == server:
            kill_session(server, signal.SIGKILL)
            return os.waitstatus_to_exitcode(status) & 0xFF
        if stopping and deadline is None:
            deadline = time.monotonic() + grace
            kill_session(server, signal.SIGTERM)
        if deadline is not None and time.monotonic() > deadline:
            kill_session(server, signal.SIGKILL)
        time.sleep(0.05)


def kill_session(leader: int, number: int) -> None:
    try:
        os.killpg(leader, number)
    except ProcessLookupError:
        pass


if __name__ == "__main__":
    sys.exit(main())
