"""The jail's parent: a warm interpreter that forks one child for each submission, ahead of it.

Job bytes never enter this process: they are spliced from the driver's socket to a child that was forked before they
came, and outputs are sent from memory files without being read. A child inherits this heap, so nothing of another
job may ever be in it.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import fcntl
import gc
import json
import resource
import select
import signal
import time

import children
import confine
import program
from frames import (
    DONE,
    ENDED_BY_CPU,
    ENDED_BY_OUTPUT,
    ENDED_BY_WALL,
    ENDED_ITSELF,
    HELLO,
    JOB,
    KIND_DONE,
    KIND_HELLO,
    NO_STATUS,
    Job,
)

from kernel import fork

# What submissions commonly import is read here once instead of in every child.
import bisect, collections, copy, dataclasses, datetime, decimal, enum, fractions, functools, heapq  # noqa: E401, F401
import io, itertools, math, operator, random, re, statistics, string, traceback, typing  # noqa: E401, F401

sys.path = [path for path in sys.path if path and path != os.path.dirname(os.path.abspath(__file__))]

_STDERR_TAIL = 8192


class Zygote:
    """Runs one job after the other; the children of the next are forked while one runs."""

    def __init__(self, control_in, control_out, null, jail):
        self._in = control_in
        self._out = control_out
        self._null = null
        self._jail = jail
        self._judged = False

    def serve(self):
        """Until the driver closes its end."""
        standby = self._fork()
        while (header := self._read(JOB.size)) is not None:
            job = Job(*JOB.unpack(header))
            run, started = standby, time.monotonic()
            self._hand_over(run, header, job)
            standby = self._fork()
            ended_by = self._watch(run, job, started)
            if self._jail.leaky:
                standby = self._sweep(standby)
            self._report(run, job, ended_by, int((time.monotonic() - started) * 1e6))

    def _hand_over(self, run, header, job):
        self._judged = job.judge_bytes > 0
        if self._judged and run.judge is None:
            self._add_judge(run)
        run.detach()
        for child in run.children():
            if not child.await_ready():
                sys.exit('a child died before it took a job')
        self._deliver(run.program, header, job.source_bytes + job.stdin_bytes)
        if run.judge is not None:
            self._deliver(run.judge, header if self._judged else b'', job.judge_bytes)

    def _fork(self):
        run = children.Run(self._null)
        self._start(run.program, run.program_main)
        if self._judged:
            self._add_judge(run)
        return run

    def _add_judge(self, run):
        run.add_judge()
        self._start(run.judge, run.judge_main)

    def _start(self, child, main):
        pid = fork()
        if pid == 0:
            try:
                main(self._jail)
            finally:
                os._exit(children.EXIT_UNPREPARED)
        child.started(pid)

    def _watch(self, run, job, started):
        """Waits for the end, or makes it; all processes of the run are gone afterwards."""
        deadline, cpu_s = started + job.wall_ms / 1000, job.cpu_ms / 1000
        look = started + cpu_s
        poller = select.poll()
        poller.register(self._in, 0)
        for child in run.children():
            poller.register(child.pidfd, select.POLLIN)
        last = run.judge if self._judged else run.program
        ended_by = ENDED_ITSELF
        while last.alive and ended_by == ENDED_ITSELF:
            for fd, event in poller.poll(max(0, min(deadline, look) - time.monotonic()) * 1000 + 1):
                if fd == self._in:
                    os._exit(0)  # the driver is gone
                poller.unregister(fd)
                next(child for child in run.children() if child.pidfd == fd).reap()
            now = time.monotonic()
            if last.alive and now >= deadline:
                ended_by = ENDED_BY_WALL
            elif run.program.alive and now >= look:
                left = cpu_s - run.program.cpu_seconds()
                look = now + max(left, 0.002)
                ended_by = ENDED_BY_CPU if left <= 0 else ENDED_ITSELF
        for child in run.children():
            child.kill()
        return ended_by

    def _sweep(self, standby):
        """Where a submission can fork: everything else in our process namespace ends with it, the standby too."""
        for child in standby.children():
            child.kill()
        standby.detach()
        standby.close()
        try:
            os.kill(-1, signal.SIGKILL)
            while True:
                os.wait()
        except (ProcessLookupError, ChildProcessError):
            return self._fork()

    def _report(self, run, job, ended_by, wall_us):
        sizes = [os.fstat(fd).st_size for fd in run.outputs] + [0] * (4 - len(run.outputs))
        if ended_by == ENDED_ITSELF and max(sizes[0], sizes[1]) > job.output_bytes:
            ended_by = ENDED_BY_OUTPUT
        skip = max(0, sizes[1] - _STDERR_TAIL)
        lengths = [sizes[0], sizes[1] - skip, *sizes[2:]]
        usage = run.program.usage
        self._write(
            DONE.pack(
                KIND_DONE,
                job.id,
                run.program.status,
                run.judge.status if self._judged else NO_STATUS,
                ended_by,
                int((usage.ru_utime + usage.ru_stime) * 1e6),
                wall_us,
                usage.ru_maxrss << 10,
                *lengths,
            )
        )
        for fd, start, length in zip(run.outputs, (0, skip, 0, 0), lengths):
            self._send(fd, start, length)
        run.close()

    # -- the driver's socket -----------------------------------------------------------------------------------

    def _read(self, size):
        data = b''
        while len(data) < size:
            part = os.read(self._in, size - len(data))
            if not part:
                return None
            data += part
        return data

    def _deliver(self, child, header, size):
        os.write(child.job, header)
        while size > 0:
            moved = os.splice(self._in, child.job, size)
            if moved == 0:
                os._exit(0)  # the driver is gone
            size -= moved
        child.close_job()

    def _send(self, fd, offset, length):
        while length > 0:
            sent = os.sendfile(self._out, fd, offset, length)
            if sent == 0:
                sys.exit('an output file shrank')
            offset += sent
            length -= sent

    def _write(self, data):
        while data:
            data = data[os.write(self._out, data) :]

    def hello(self):
        report = {'python': sys.version.split()[0], **self._jail.layers}
        data = json.dumps(report).encode()
        self._write(HELLO.pack(KIND_HELLO, len(data)) + data)


def _arrange_descriptors():
    """Nothing below FIRST_FREE but /dev/null: a child puts its own there."""
    null = os.open('/dev/null', os.O_RDWR)
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, children.FIRST_FREE) for fd in (null, 0, 1)]
    for fd in range(children.FIRST_FREE):
        if fd != 2:
            os.dup2(null, fd)
    return high


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.closerange(3, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 1 << 16))
    os.setsid()
    os.chdir('/')
    os.umask(0o077)
    os.environ.clear()
    layers = {'namespaces': confine.enter_namespaces()}
    if 'pid' in layers['namespaces']:
        confine.fork_first()
    layers['uid'] = confine.drop_privileges(int(sys.argv[1]))
    null, control_in, control_out = _arrange_descriptors()
    program.open_streams()
    jail = confine.Jail(layers)
    jail.close_in()
    random.seed(0)
    gc.collect()
    gc.disable()
    gc.freeze()
    zygote = Zygote(control_in, control_out, null, jail)
    zygote.hello()
    zygote.serve()


if __name__ == '__main__':
    main()
