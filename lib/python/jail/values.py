"""Plain values as JSON, between a submission and its judge.

Only data crosses: a subclass arrives as its built-in base, and what is not data arrives as a `Remote` that the other
side owns. Mutable containers are numbered in the order they are met, so that sharing, cycles and changes survive.
The decoder believes nothing: whatever is not well formed raises `Malformed`.
"""

import collections
import datetime
import decimal
import fractions
import json

_SMALL = 1 << 53


class Malformed(Exception):
    """The other side sent what no encoder writes."""


def dumps(tree):
    return json.dumps(tree, separators=(',', ':')).encode('ascii')


def loads(data):
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Malformed(str(error)) from None


class Encoder:
    """`handle` turns an object that is not data into a number the other side can name it by."""

    def __init__(self, handle, numbered=()):
        self._handle = handle
        self.containers = list(numbered)
        self._numbers = {id(value): n for n, value in enumerate(self.containers)}

    def encode(self, value):
        if value is None or value is True or value is False:
            return value
        write = _writer_of(type(value))
        return ['O', *self._handle(value)] if write is None else write(self, value)

    def contents(self, value):
        """A numbered container written out again, its own number aside."""
        return _writer_of(type(value))(self, value, fresh=True)

    def number(self, value):
        n = self._numbers.get(id(value))
        if n is None:
            self._numbers[id(value)] = len(self.containers)
            self.containers.append(value)
        return n


def _integer(_encoder, value):
    value = int.__pos__(value)
    return value if -_SMALL < value < _SMALL else ['I', hex(value)]


def _container(tag, items):
    def write(encoder, value, fresh=False):
        n = encoder.number(value)
        if n is not None and not fresh:
            return ['R', n]
        return [tag, *(encoder.encode(item) for item in items(value))]

    return write


def _sequence(tag, items):
    return lambda encoder, value: [tag, *(encoder.encode(item) for item in items(value))]


def _pairs(value):
    return [part for pair in dict.items(value) for part in pair]


def _deque(encoder, value, fresh=False):
    n = encoder.number(value)
    if n is not None and not fresh:
        return ['R', n]
    return ['Q', value.maxlen, *(encoder.encode(item) for item in collections.deque.__iter__(value))]


def _bytearray(encoder, value, fresh=False):
    n = encoder.number(value)
    return ['R', n] if n is not None and not fresh else ['Y', bytearray.hex(value)]


def _moment(v):
    if v.tzinfo is not None:
        return ['W', 'zoned', v.isoformat()]
    return ['W', 'datetime', v.year, v.month, v.day, v.hour, v.minute, v.second, v.microsecond]


_WRITERS = (
    (str, lambda _e, v: str.__str__(v)),
    (int, _integer),
    (float, lambda _e, v: float.__pos__(v)),
    (list, _container('L', list.__iter__)),
    (tuple, _sequence('T', tuple.__iter__)),
    (dict, _container('D', _pairs)),
    (set, _container('S', set.__iter__)),
    (frozenset, _sequence('F', frozenset.__iter__)),
    (bytes, lambda _e, v: ['B', bytes.hex(v)]),
    (bytearray, _bytearray),
    (complex, lambda _e, v: ['C', v.real, v.imag]),
    (range, lambda e, v: ['G', e.encode(v.start), e.encode(v.stop), e.encode(v.step)]),
    (collections.deque, _deque),
    (fractions.Fraction, lambda e, v: ['N', e.encode(v.numerator), e.encode(v.denominator)]),
    (decimal.Decimal, lambda _e, v: ['M', decimal.Decimal.__str__(v)]),
    (datetime.datetime, lambda _e, v: _moment(v)),
    (datetime.date, lambda _e, v: ['W', 'date', v.year, v.month, v.day]),
    (datetime.timedelta, lambda _e, v: ['W', 'timedelta', v.days, v.seconds, v.microseconds]),
    (type(Ellipsis), lambda _e, _v: ['E']),
)


_EXACT = dict(_WRITERS)


def _writer_of(kind):
    """By the type itself: what an object says of its class does not count."""
    return _EXACT.get(kind) or next((write for base, write in _WRITERS if issubclass(kind, base)), None)


class Decoder:
    """`resolve` turns the fields of an `O` into the object that stands for it here."""

    def __init__(self, resolve, numbered=()):
        self._resolve = resolve
        self.containers = list(numbered)

    def decode(self, tree):
        try:
            return self._decode(tree)
        except (TypeError, ValueError, IndexError, RecursionError, ArithmeticError) as error:
            raise Malformed(f'{type(error).__name__}: {error}') from None

    def refill(self, value, tree):
        """Gives a container the contents that `Encoder.contents` wrote."""
        tag, *rest = tree
        items = [self._decode(item) for item in (rest[1:] if tag == 'Q' else rest)] if tag != 'Y' else rest
        if tag == 'L' and type(value) is list:
            value[:] = items
        elif tag == 'Y' and type(value) is bytearray:
            value[:] = bytes.fromhex(items[0])
        elif tag in ('D', 'S', 'Q') and type(value) in (dict, set, collections.deque):
            value.clear()
            _fill(value, items)
        else:
            raise Malformed('a container changed its type')

    def _decode(self, tree):
        if type(tree) is not list:
            if type(tree) is dict:
                raise Malformed('an object where a value should be')
            return tree
        tag, *rest = tree
        if tag in ('L', 'D', 'S', 'Q', 'Y'):
            return self._container(tag, rest)
        if tag in ('T', 'F'):
            items = (self._decode(item) for item in rest)
            return tuple(items) if tag == 'T' else frozenset(items)
        if tag == 'R':
            return self.containers[rest[0] if rest[0] >= 0 else 1 << 62]
        if tag == 'O':
            return self._resolve(*rest)
        return _read_scalar(tag, [self._decode(item) for item in rest])

    def _container(self, tag, rest):
        value = collections.deque(maxlen=rest[0]) if tag == 'Q' else _EMPTY[tag]()
        self.containers.append(value)
        if tag == 'Y':
            value[:] = bytes.fromhex(rest[0])
        else:
            _fill(value, [self._decode(item) for item in (rest[1:] if tag == 'Q' else rest)])
        return value


_EMPTY = {'L': list, 'D': dict, 'S': set, 'Y': bytearray}


def _fill(value, items):
    if type(value) is dict:
        value.update(zip(items[::2], items[1::2], strict=True))
    elif type(value) is set:
        value.update(items)
    else:
        value.extend(items)


def _read_scalar(tag, fields):
    if tag == 'I':
        return int(fields[0], 16)
    if tag == 'B':
        return bytes.fromhex(fields[0])
    if tag == 'C':
        return complex(*fields)
    if tag == 'G':
        return range(*fields)
    if tag == 'N':
        return fractions.Fraction(*fields)
    if tag == 'M':
        return decimal.Decimal(fields[0])
    if tag == 'E':
        return Ellipsis
    if tag == 'W' and fields[0] == 'zoned':
        return datetime.datetime.fromisoformat(fields[1])
    if tag == 'W' and fields[0] in ('date', 'datetime', 'timedelta'):
        return getattr(datetime, fields[0])(*fields[1:])
    raise Malformed(f'unknown tag {tag!r}'[:80])
