"""Exceptions that cross: the class itself where both sides know it, else one that derives as the other side's does."""

import builtins
import importlib

import task_classes
from builtin_types import CONTROL_FLOW
from faults import Malformed

_TEXT = 2000

# Beside those of `builtins`. None that means something to a test runner, as unittest's SkipTest would.
_STANDARD = frozenset(
    f'{module}.{name}'
    for module, names in {
        'binascii': ('Error', 'Incomplete'),
        'calendar': ('IllegalMonthError', 'IllegalWeekdayError'),
        'configparser': ('Error', 'NoSectionError', 'DuplicateSectionError', 'NoOptionError', 'ParsingError'),
        '_csv': ('Error',),
        'copy': ('Error',),
        'dataclasses': ('FrozenInstanceError',),
        'decimal': ('DecimalException', 'InvalidOperation', 'DivisionByZero', 'Inexact', 'Overflow', 'Underflow'),
        'graphlib': ('CycleError',),
        'ipaddress': ('AddressValueError', 'NetmaskValueError'),
        'json.decoder': ('JSONDecodeError',),
        'queue': ('Empty', 'Full'),
        '_queue': ('Empty',),
        're': ('error', 'PatternError'),
        'statistics': ('StatisticsError',),
        'struct': ('error',),
        'xml.etree.ElementTree': ('ParseError',),
        'zlib': ('error',),
    }.items()
    for name in names
)
_BUILTIN = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, BaseException)
}


class Exceptions:
    """`judging`: what would end the tests instead of failing them arrives as a RuntimeError."""

    def __init__(self, judging):
        self._judging = judging
        self._own = []
        self._numbers = {}
        self._stand_ins = {}
        self._theirs = {}

    def describe(self, kind, classes):
        """A class as a tree: known to both, one of the task's, one of the receiver's own, or one with its bases."""
        name = f'{kind.__module__}.{kind.__qualname__}'
        if _standard(name) is kind:
            return ['S', name]
        if classes.name_of(kind) is not None:
            return ['H', kind.__name__]
        if kind in self._theirs:
            return ['R', self._theirs[kind]]
        key = self._numbers.get(id(kind))
        if key is None:
            key = self._numbers[id(kind)] = len(self._own)
            self._own.append(kind)
        bases = [self.describe(base, classes) for base in kind.__bases__ if issubclass(base, BaseException)]
        return ['C', key, kind.__name__, bases]

    def resolve(self, tree, classes):
        """The class that stands here for a described one."""
        kind = self._find(tree, classes)
        if not isinstance(kind, type) or not issubclass(kind, BaseException):
            raise Malformed('an exception that is none')
        return RuntimeError if self._judging and issubclass(kind, CONTROL_FLOW) else kind

    def _find(self, tree, classes):
        how, *rest = tree
        if how == 'S':
            return _standard(rest[0])
        if how == 'H':
            return classes.named(rest[0])
        if how == 'R':
            return self._own[rest[0] if rest[0] >= 0 else 1 << 62]
        key, name, bases = rest
        if type(key) is not int or type(name) is not str:
            raise Malformed('an exception that is none')
        if key not in self._stand_ins:
            kind = _derive(name, [self.resolve(base, classes) for base in bases] or [Exception])
            self._stand_ins[key] = kind
            self._theirs[kind] = key
        return self._stand_ins[key]

    def write(self, error, encoder, classes):
        """An exception as a tree: its class, its text, its arguments, and what data it holds."""
        kind = self.describe(type(error), classes)
        text = _said(error)
        try:
            return [kind, text, encoder.encode(list(error.args)), encoder.encode(_held(error))]
        except Exception:
            return [kind, text, ['L'], ['D']]

    def read(self, tree, decoder, classes):
        described, text, args, held = tree
        kind = self.resolve(described, classes)
        args, held = decoder.decode(args), decoder.decode(held)
        if type(args) is not list or type(held) is not dict or type(text) is not str:
            raise Malformed('an exception that is none')
        error = _make(kind, args, described[0])
        if error is None:
            error = RuntimeError(text)
        own = error.__dict__
        for name, value in held.items():
            if type(name) is str and not name.startswith('_') and not task_classes.hides_code(type(error), name):
                own[name] = value
        own['_said'] = text
        own['_remote'] = f'{_name(described, kind)}: {text}'[:300]
        return error


def _standard(name):
    if type(name) is not str:
        return None
    module, _, last = name.rpartition('.')
    if module == 'builtins':
        return _BUILTIN.get(last)
    return getattr(importlib.import_module(module), last, None) if name in _STANDARD else None


def _derive(name, bases):
    inside = {'__module__': 'submission', '__str__': lambda self: self.__dict__.get('_said', '')}
    try:
        return type(name, tuple(dict.fromkeys(bases)), inside)
    except TypeError:  # bases that only fit together where more is known of them
        return type(name, (bases[0],), inside)


def _make(kind, args, how):
    """Constructors written for the tests or the task are not run with what a submission says."""
    try:
        if how in ('S', 'C'):
            return kind(*args)
    except Exception:
        pass
    try:
        error = kind.__new__(kind, *args)
        error.args = tuple(args)
        return error
    except Exception:
        return None


def _name(described, kind):
    return described[1].rpartition('.')[2] if described[0] == 'S' else kind.__name__


def _said(error):
    try:
        return str(error)[:_TEXT]
    except BaseException:
        return ''


def _held(error):
    """Its attributes, and the plain ones that its own classes give it."""
    held = {}
    for base in reversed(type(error).__mro__):
        if base.__flags__ & _HEAP and base.__module__ != 'builtins':
            held.update({name: value for name, value in vars(base).items() if type(value) in _PLAIN})
    held.update(getattr(error, '__dict__', {}))
    return {name: value for name, value in held.items() if not name.startswith('_')}


_HEAP = 1 << 9  # Py_TPFLAGS_HEAPTYPE: a class that a program defined
_PLAIN = (str, int, float, bool, tuple, list, dict, type(None))
