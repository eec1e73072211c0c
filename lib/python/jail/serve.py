"""The jail's parent where it is a container of its own: one zygote for each connection to its socket.

The connection is all the zygote has: jobs come over it, answers go back over it, and it means what a pipe from the
driver means on one machine. Its end is the end of the zygote and of everything below it; the zygote's end closes it.
As a container's first process this one also takes in and reaps whatever is orphaned.
"""

import os
import random
import select
import signal
import socket
import struct
import sys

from kernel import PR_SET_CHILD_SUBREAPER, PR_SET_DUMPABLE, PR_SET_PDEATHSIG, prctl

_ZYGOTE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'zygote.py')
_ENVIRONMENT = {'PYTHONHASHSEED': '0', 'PYTHONUTF8': '1'}
_MOST_SERIALS = 1 << 24
_BACKLOG = 64


class Server:
    def __init__(self, path):
        self._pid = os.getpid()
        self._listener = _listen(path)
        self._wake, wake_end = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(wake_end, False)
        signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)
        self._poller = select.poll()
        self._poller.register(self._listener, select.POLLIN)
        self._poller.register(self._wake, select.POLLIN)
        self._zygotes = {}  # by process id: the connection of each
        signal.signal(signal.SIGCHLD, lambda *_: None)  # it only has to wake the loop
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, self._end)

    def serve(self):
        """Until a signal ends it."""
        while True:
            for fd, _ in self._poller.poll():
                if fd == self._listener.fileno():
                    self._accept()
                elif fd == self._wake:
                    os.read(self._wake, 4096)
                else:
                    self._hung_up(fd)
            self._reap()

    def _accept(self):
        connection, _ = self._listener.accept()
        if _user_of(connection) == os.getuid():
            # Submissions run under this number, and none of them is a driver.
            _say('refused a connection from its own user')
            connection.close()
            return
        try:
            pid = os.fork()
        except OSError as error:
            _say(f'cannot start a process: {error}')
            connection.close()
            return
        if pid == 0:
            _become_zygote(connection, self._pid)
        self._zygotes[pid] = connection
        self._poller.register(connection, 0)

    def _hung_up(self, fd):
        self._poller.unregister(fd)
        _kill(next(pid for pid, connection in self._zygotes.items() if connection.fileno() == fd))

    def _reap(self):
        """All that ended, our own and orphans. What a zygote left behind dies before its number is free again."""
        while (ended := _any_ended()) is not None:
            connection = self._zygotes.pop(ended, None)
            if connection is not None:
                _kill(ended)
            _, status = os.waitpid(ended, 0)
            if connection is not None:
                self._close(connection)
                if os.waitstatus_to_exitcode(status) > 0:
                    _say(f'process {ended} ended with exit code {os.waitstatus_to_exitcode(status)}')

    def _close(self, connection):
        try:
            self._poller.unregister(connection)
        except KeyError:
            pass  # it hung up
        connection.close()

    def _end(self, number, _):
        for pid in self._zygotes:
            _kill(pid)
        _say(f'ended by {signal.Signals(number).name}')
        os._exit(0)


def _listen(path):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.unlink(path)  # of a container before this one
    except FileNotFoundError:
        pass
    os.umask(0o117)
    listener.bind(path)
    listener.listen(_BACKLOG)
    return listener


def _user_of(connection):
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize('3i'))
    return struct.unpack('3i', credentials)[1]


def _become_zygote(connection, parent):
    """In the child: another program, so that nothing of this one is in its memory, nor its layout the same."""
    try:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == parent:
            os.dup2(connection.fileno(), 0)
            os.dup2(connection.fileno(), 1)
            serial = str(random.SystemRandom().randrange(1, _MOST_SERIALS))
            os.execve(sys.executable, [sys.executable, '-s', '-S', '-B', _ZYGOTE, serial], _ENVIRONMENT)
    except OSError as error:
        _say(f'cannot start a process: {error}')
    finally:
        os._exit(1)


def _any_ended():
    """Somebody below us who ended and is not reaped yet."""
    try:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return None if ended is None else ended.si_pid


def _kill(pid):
    """A zygote with its group; it is the leader of one as soon as it has begun."""
    for kill in (os.killpg, os.kill):
        try:
            kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass


def _say(what):
    print(f'jail: {what}', file=sys.stderr, flush=True)


def main():
    path = os.environ.get('ASSAY_EXEC_SOCKET', '')
    if path == '':
        sys.exit('ASSAY_EXEC_SOCKET must name the socket to listen on')
    os.chdir('/')
    prctl(PR_SET_DUMPABLE, 0)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    server = Server(path)
    _say(f'serves {path} with Python {sys.version.split()[0]}')
    server.serve()


if __name__ == '__main__':
    main()
