"""The two processes of one run, from the fork to the last byte of their outputs."""

import os
import resource
import signal
import time

import judge
import program
from frames import JOB, Job
from kernel import PR_SET_PDEATHSIG, memory_file, pidfd, prctl

EXIT_UNPREPARED = 97
_ZYGOTE_FILES = 64
FIRST_FREE = 10  # the zygote's own descriptors lie at or above, so that a child's can be put below

_STDIN, _STDOUT, _STDERR, _JOB, _RESULT, _FROM_PEER, _TO_PEER, _READY = range(8)
_STACK_BYTES = 256 << 20
_JUDGE_BYTES = 512 << 20
_VERDICT_BYTES = 64 << 10


class Child:
    """One forked process: its end of the job pipe, and afterwards how it ended."""

    def __init__(self):
        self.job_end, self.job = os.pipe()
        self._ready, self.ready_end = os.pipe()
        self.pid = self.pidfd = -1
        self.status = self.usage = None

    def started(self, pid):
        self.pid = pid
        self.pidfd = pidfd(pid)
        os.close(self.job_end)
        os.close(self.ready_end)

    def await_ready(self):
        """Whether it stands in its jail; false when it died before."""
        ready = os.read(self._ready, 1)
        os.close(self._ready)
        return ready != b''

    def close_job(self):
        os.close(self.job)

    @property
    def alive(self):
        return self.status is None

    def cpu_seconds(self):
        """CPU time of all its threads, read from its clock (clock_getcpuclockid)."""
        return time.clock_gettime((~self.pid << 3) | 2)

    def kill(self):
        if self.alive:
            os.kill(self.pid, signal.SIGKILL)
            self.reap()

    def reap(self):
        _, self.status, self.usage = os.wait4(self.pid, 0)
        os.close(self.pidfd)


class Run:
    """A submission's process and, when it has tests, its judge's; their pipes and memory files."""

    def __init__(self, null):
        self._null = null
        self.program = Child()
        self.judge = None
        self._from_judge, self._to_program = os.pipe()
        self._from_program, self._to_judge = os.pipe()
        self._stdin, *self.outputs = (memory_file() for _ in range(4))

    def add_judge(self):
        self.judge = Child()
        self.outputs.append(memory_file())

    def children(self):
        return [self.program] if self.judge is None else [self.program, self.judge]

    def detach(self):
        """Lets go of what belongs to the children alone, so that each sees the end of the other."""
        for fd in (self._from_judge, self._to_program, self._from_program, self._to_judge, self._stdin):
            os.close(fd)

    def close(self):
        for fd in self.outputs:
            os.close(fd)

    def program_main(self, jail):
        """In the child: waits for a job, runs it."""
        out, err, end = self.outputs[:3]
        own = self.program
        _settle((self._stdin, out, err, own.job_end, end, self._from_judge, self._to_judge, own.ready_end), jail)
        job = _receive()
        source, stdin = _read(job.source_bytes), _read(job.stdin_bytes)
        os.close(_JOB)
        if stdin:
            os.write(_STDIN, stdin)
            os.lseek(_STDIN, 0, os.SEEK_SET)
        _limit(job, job.memory_bytes, job.output_bytes + 1)
        if job.judge_bytes:
            os._exit(program.serve(source))
        os.close(_FROM_PEER)
        os.close(_TO_PEER)
        os._exit(program.run(source))

    def judge_main(self, jail):
        """In the child: waits for a job, judges it."""
        null = self._null
        verdict = self.outputs[3]
        own = self.judge
        _settle((null, null, null, own.job_end, verdict, self._from_program, self._to_program, own.ready_end), jail)
        job = _receive()
        order = _read(job.judge_bytes)
        os.close(_JOB)
        _limit(job, max(job.memory_bytes, _JUDGE_BYTES), _VERDICT_BYTES)
        judge.judge(order)
        os._exit(0)


def _settle(descriptors, jail):
    """Takes its place: own descriptors, no way to another process. All of it before any job byte."""
    for target, fd in enumerate(descriptors):
        os.dup2(fd, target)
    jail.enter_scope()
    os.closerange(len(descriptors), _ZYGOTE_FILES)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    jail.enter_filter()
    os.write(_READY, b'1')
    os.close(_READY)


def _receive():
    return Job(*JOB.unpack(_read(JOB.size)))


def _read(size):
    parts = []
    while size > 0:
        part = os.read(_JOB, size)
        if not part:
            os._exit(0)  # the zygote has no job for this child
        parts.append(part)
        size -= len(part)
    return b''.join(parts)


def _limit(job, memory_bytes, file_bytes):
    cpu_s = -(-job.cpu_ms // 1000)
    stack = min(_STACK_BYTES, memory_bytes)
    for limit, soft, hard in (
        (resource.RLIMIT_CPU, cpu_s, cpu_s + 1),
        (resource.RLIMIT_AS, memory_bytes, memory_bytes),
        (resource.RLIMIT_DATA, memory_bytes, memory_bytes),
        (resource.RLIMIT_STACK, stack, stack),
        (resource.RLIMIT_FSIZE, file_bytes, file_bytes),
    ):
        try:
            resource.setrlimit(limit, (soft, hard))
        except ValueError:
            pass  # a lower limit holds already
