"""Plain values as JSON, between a submission and its judge.

Only data crosses: a subclass arrives as its built-in base, and what is not data arrives as a `Remote` that the other
side owns. Mutable containers are numbered in the order they are met, so that sharing, cycles and changes survive.
The decoder believes nothing: whatever is not well formed raises `Malformed`.
"""

import enum
import json
import sys

import containers
import scalars
from builtin_types import type_name, type_named
from faults import Closed, Malformed

_DEEP = 40_000


class Deep:
    """Lets values be as deep as a program can make them, whatever recursion limit it runs under."""

    def __enter__(self):
        self._before = sys.getrecursionlimit()
        sys.setrecursionlimit(max(self._before, _DEEP))

    def __exit__(self, *_error):
        sys.setrecursionlimit(self._before)


_dump = json.JSONEncoder(separators=(',', ':')).encode


def dumps(tree):
    try:
        return _dump(tree).encode('ascii')
    except RecursionError:
        with Deep():
            return _dump(tree).encode('ascii')


def loads(data):
    try:
        return json.loads(data)
    except RecursionError:
        with Guarded():
            return json.loads(data)
    except ValueError as error:
        raise Malformed(str(error)) from None


class Encoder:
    """`handle` turns an object that is not data into the fields of an `O`, by which the other side can name it."""

    def __init__(self, handle, classes, numbered=()):
        self._handle = handle
        self._classes = classes
        self.containers = list(numbered)
        self._numbers = {id(value): n for n, value in enumerate(self.containers)}

    def encode(self, value):
        if value is None or value is True or value is False:
            return value
        kind = type(value)
        write = _WRITERS.get(kind) or _writer_of(kind)
        if callable(write):
            return write(self, value)
        container = write
        if container is None and (name := self._classes.name_of(kind)) is not None:
            if issubclass(kind, enum.Enum):
                return ['J', name, value.name]
            container = None if isinstance(value, BaseException) else containers.object_kind(self._classes)
        if container is not None:
            n = self._number(value)
            return self._write(container, value) if n is None else ['R', n]
        name = type_name(value)
        return ['O', *self._handle(value)] if name is None else ['K', name]

    def contents(self, value):
        """A numbered container written out again, its own number aside."""
        return self._write(_writer_of(type(value)) or containers.object_kind(self._classes), value)

    def _write(self, container, value):
        return [container.tag, *container.head(value), *(self.encode(item) for item in container.items(value))]

    def _number(self, value):
        n = self._numbers.get(id(value))
        if n is None:
            self._numbers[id(value)] = len(self.containers)
            self.containers.append(value)
        return n


# How each type is written: a function for what does not change, a kind for a container, None for what is not data.
_BASES = scalars.WRITERS + tuple((kind.base, kind) for kind in containers.KINDS)
_WRITERS = dict(_BASES)


def _writer_of(kind):
    """By the type itself: what an object says of its class does not count."""
    if kind not in _WRITERS:
        _WRITERS[kind] = next((write for base, write in _BASES if issubclass(kind, base)), None)
    return _WRITERS[kind]


class Decoder:
    """
    `resolve` turns the fields of an `O` into the object that stands for it here. To be used within `Guarded`, which knows
    whose fault it is when something does not fit.
    """

    def __init__(self, resolve, classes, numbered=()):
        self._resolve = resolve
        self._classes = classes
        self.containers = list(numbered)

    def refill(self, value, tree):
        """Gives a container the contents that `Encoder.contents` wrote."""
        tag, *rest = tree
        kind = _writer_of(type(value)) or containers.object_kind(self._classes)
        if tag != kind.tag or (tag == 'H' and rest[0] != self._classes.name_of(type(value))):
            raise Malformed('a container changed its type')
        self._fill(kind, value, rest)

    def decode(self, tree):
        if type(tree) is not list:
            if type(tree) is dict:
                raise Malformed('an object where a value should be')
            return tree
        tag, *rest = tree
        if type(tag) is not str:
            raise Malformed('a tag that is none')
        if tag in containers.BY_TAG or tag == 'H':
            kind = containers.BY_TAG.get(tag) or containers.object_kind(self._classes)
            value = kind.empty(*rest[: kind.heads])
            self.containers.append(value)
            self._fill(kind, value, rest)
            return value
        if tag == 'R':
            return self.containers[rest[0] if rest[0] >= 0 else 1 << 62]
        if tag == 'O':
            return self._resolve(*rest)
        if tag == 'K':
            return _known(type_named(rest[0]))
        if tag == 'J':
            members = getattr(self._classes.named(rest[0]), '__members__', {})
            return _known(members.get(rest[1]) if type(rest[1]) is str else None)
        if tag == 'U':
            return scalars.read(tag, [*rest[:2], *(self.decode(item) for item in rest[2:])])
        return scalars.read(tag, [self.decode(item) for item in rest])

    def _fill(self, kind, value, rest):
        kind.fill(value, rest[: kind.heads], [self.decode(item) for item in rest[kind.heads :]])


def _known(value):
    if value is None:
        raise Malformed('a name of nothing')
    return value


class Guarded(Deep):
    """Whatever goes wrong with what the other side wrote is its fault."""

    def __exit__(self, _kind, error, _trace):
        super().__exit__()
        if isinstance(error, Exception) and not isinstance(error, (Closed, Malformed, MemoryError)):
            raise Malformed(f'{type(error).__name__}: {error}'[:300]) from None
