"""The child that runs a benchmark's tests against a submission in another process.

The submission's code never runs here. Its function is a `Remote`, and what that returns is plain data, so nothing it
patches, raises, defines or forges reaches the asserts or the verdict.
"""

import builtins
import collections
import copy
import datetime
import decimal
import fractions
import functools
import importlib
import itertools
import json
import math
import os
import random
import sys
import typing

import prefix
import task_classes
from faults import Closed, Malformed
from peer import Peer
from remote import RemoteFunction

VERDICT = 4
FROM_PROGRAM, TO_PROGRAM = 5, 6
_TEXT = 300
_SPARE = 1 << 20

# What a program often imports for its tests too. Taken from here, so that none of it is the submission's.
_WELL_KNOWN = {
    name: getattr(module, name)
    for module in (math, itertools, functools, typing, collections)
    for name in getattr(module, '__all__', dir(module))
    if not name.startswith('_')
}
_WELL_KNOWN.update(
    Decimal=decimal.Decimal,
    Fraction=fractions.Fraction,
    date=datetime.date,
    timedelta=datetime.timedelta,
    deepcopy=copy.deepcopy,
)


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
        names = _Globals(order, peer)
        random.seed(0)
        exec(tests, names)
    except prefix.Broken as error:
        return 'IE', str(error)
    except BaseException as error:
        return _guarded_failure(error, peer)
    if peer.fault is not None:
        return _guarded_failure(peer.fault, peer)
    if peer.calls > 0:
        return 'AC', ''
    if type(names.get(order['entry'])) is not RemoteFunction:
        return 'WA', f'{order["entry"]} is not a function'
    return 'IE', f'the tests never called {order["entry"]}'


def _guarded_failure(error, peer):
    try:
        return _failure(error, peer)
    except BaseException as another:
        return 'WA', f'{type(another).__name__} while a failure was described'


def _failure(error, peer):
    if isinstance(error, Malformed) or isinstance(peer.fault, Malformed):
        return 'PE', f'the submission broke the protocol: {peer.fault or error}'
    if isinstance(error, Closed) or peer.fault is not None:
        return 'RE', 'the submission ended before its tests did'
    if isinstance(error, MemoryError):
        return 'MLE', 'MemoryError'
    remote = _remote(error)
    if remote is not None:
        return ('MLE' if remote.startswith('MemoryError:') else 'RE'), remote
    if isinstance(error, AssertionError):
        return 'WA', f'assertion failed in line {_line(error)} of the tests: {_text(error)}'
    return 'WA', f'{type(error).__name__} in line {_line(error)} of the tests: {_text(error)}'


class _Globals(dict):
    """What the tests may name: built-ins, the task's own helpers, the standard library, and last the submission."""

    def __init__(self, order, peer):
        helpers, self._entry = prefix.load(order['helpers'], order['entry']), order['entry']
        super().__init__(helpers)
        self.update(__name__='tests', __builtins__=builtins)
        self._peer = peer
        peer.tests_a_class = prefix.defines_class(order['helpers'], self._entry)
        peer.share(task_classes.crossing(helpers, but=(self._entry,)), dict(helpers))
        self.pop(self._entry, None)
        if self._take(self._entry):
            helpers[self._entry] = self[self._entry]  # for helpers that call it

    def __missing__(self, name):
        if hasattr(builtins, name):
            raise KeyError(name)
        if name in sys.stdlib_module_names:
            self[name] = importlib.import_module(name)
        elif name in _WELL_KNOWN:
            self[name] = _WELL_KNOWN[name]
        elif not self._take(name):
            raise KeyError(name)
        return self[name]

    def _take(self, name):
        """From the submission: an exception class by its bases, so that tests can catch it; the rest by value."""
        how, value = _pair(self._peer.ask('value', -1, name))
        if how == 'missing':
            return False
        self[name] = self._peer.exception_class(value) if how == 'exception' else value
        return True


def _pair(value):
    if type(value) is not tuple or len(value) != 2:
        raise Malformed('a global that is none')
    return value


def _remote(error):
    """What the submission raised, as it said it; None for an error of the tests."""
    return getattr(error, '__dict__', {}).get('_remote')


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


