"""The child that runs a benchmark's tests against a submission in another process.

The submission's code never runs here. Its function is a `Remote`, and what that returns is plain data, so nothing it
patches, raises, defines or forges reaches the asserts or the verdict.
"""

import builtins
import importlib
import json
import os
import random
import sys

from peer import Closed, Malformed, Peer

VERDICT = 4
FROM_PROGRAM, TO_PROGRAM = 5, 6
_TEXT = 300
_SPARE = 1 << 20


def judge(job):
    """Reads its job, runs the tests, writes one verdict that carries the job's nonce."""
    order = json.loads(job)
    peer = Peer('J', FROM_PROGRAM, TO_PROGRAM)
    spare = bytearray(_SPARE)
    status, detail = _verdict(order, peer)
    del spare  # room to say so, should the submission's answers have filled the rest
    os.write(VERDICT, json.dumps({'nonce': order['nonce'], 'status': status, 'detail': detail[:_TEXT]}).encode())


def _verdict(order, peer):
    try:
        tests = compile(order['tests'], '<tests>', 'exec', dont_inherit=True)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        return 'IE', f'the tests do not compile: {error}'
    try:
        random.seed(0)
        exec(tests, _Globals(order, peer))
    except BaseException as error:
        return _failure(error, peer)
    if peer.fault is not None:
        return _failure(peer.fault, peer)
    return 'AC', ''


def _failure(error, peer):
    if isinstance(error, Malformed) or isinstance(peer.fault, Malformed):
        return 'PE', f'the submission broke the protocol: {peer.fault or error}'
    if isinstance(error, Closed) or peer.fault is not None:
        return 'RE', 'the submission ended before its tests did'
    if isinstance(error, MemoryError):
        return 'MLE', 'MemoryError'
    remote = getattr(error, 'remote', None)
    if remote is not None:
        return ('MLE' if remote.startswith('MemoryError:') else 'RE'), remote
    if isinstance(error, AssertionError):
        return 'WA', f'assertion failed in line {_line(error)} of the tests: {_text(error)}'
    return 'WA', f'{type(error).__name__} in line {_line(error)} of the tests: {_text(error)}'


class _Globals(dict):
    """What the tests may name: built-ins, the task's own helpers, standard modules, and last the submission."""

    def __init__(self, order, peer):
        super().__init__(_helpers(order['helpers']))
        self.update(__name__='tests', __builtins__=builtins)
        self._peer = peer
        self._entry = order['entry']
        self.pop(self._entry, None)
        self._take(self._entry)

    def __missing__(self, name):
        if hasattr(builtins, name):
            raise KeyError(name)
        if name in sys.stdlib_module_names:
            self[name] = importlib.import_module(name)
        elif not self._take(name):
            raise KeyError(name)
        return self[name]

    def _take(self, name):
        """From the submission: an exception class by its bases, so that tests can catch it; the rest by value."""
        how, value = _pair(self._peer.ask('value', -1, name))
        if how == 'missing':
            return False
        self[name] = self._peer.exception_class(_strings(value)) if how == 'exception' else value
        return True


def _helpers(source):
    """What the task's own prefix defines. It often ends in the middle of the function to be written: then nothing."""
    namespace = {'__name__': 'helpers'}
    try:
        exec(compile(source, '<helpers>', 'exec', dont_inherit=True), namespace)
    except BaseException:
        return {}
    return namespace


def _pair(value):
    if type(value) is not tuple or len(value) != 2:
        raise Malformed('a global that is none')
    return value


def _strings(value):
    if type(value) is not list or not all(type(item) is str for item in value):
        raise Malformed('names that are none')
    return value


def _line(error):
    line, at = 0, error.__traceback__
    while at is not None:
        if at.tb_frame.f_code.co_filename == '<tests>':
            line = at.tb_lineno
        at = at.tb_next
    return line


def _text(error):
    try:
        return str(error)[:200]
    except BaseException:
        return type(error).__name__


