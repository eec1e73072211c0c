"""Values that do not change: how each is written, and read again with nothing believed."""

import datetime
import decimal
import fractions
import itertools
import operator

from faults import Malformed

_SMALL = 1 << 53
_VIEWS = {'keys': type({}.keys()), 'values': type({}.values()), 'items': type({}.items())}
_TIMES = ('date', 'time', 'datetime', 'timedelta')


def _integer(_encoder, value):
    value = int.__pos__(value)
    return value if -_SMALL < value < _SMALL else ['I', hex(value)]


def _tuple(encoder, value):
    items = [encoder.encode(item) for item in tuple.__iter__(value)]
    fields = getattr(type(value), '_fields', None)
    if type(value) is tuple or not _are_fields(fields, len(items)):
        return ['T', *items]
    return ['U', type(value).__name__, list(fields), *items]


def _are_fields(fields, size):
    if type(fields) not in (tuple, list) or len(fields) != size or len(set(fields)) != size:
        return False
    return all(
        type(name) is str and name.isidentifier() and not name.startswith('_') and not hasattr(tuple, name)
        for name in fields
    )


def _clock(v):
    if v.tzinfo is not None:
        return ['W', 'zoned time', v.isoformat()]
    return ['W', 'time', v.hour, v.minute, v.second, v.microsecond]


def _moment(v):
    if v.tzinfo is not None:
        return ['W', 'zoned', v.isoformat()]
    return ['W', 'datetime', v.year, v.month, v.day, v.hour, v.minute, v.second, v.microsecond]


def _view(how):
    return lambda e, v: ['V', how, *(e.encode(item) for item in v)]


WRITERS = (
    (str, lambda _e, v: str.__str__(v)),
    (int, _integer),
    (float, lambda _e, v: float.__pos__(v)),
    (tuple, _tuple),
    (frozenset, lambda e, v: ['F', *(e.encode(item) for item in frozenset.__iter__(v))]),
    (bytes, lambda _e, v: ['B', bytes.hex(v)]),
    (complex, lambda _e, v: ['C', v.real, v.imag]),
    (range, lambda e, v: ['G', e.encode(v.start), e.encode(v.stop), e.encode(v.step)]),
    (slice, lambda e, v: ['Z', e.encode(v.start), e.encode(v.stop), e.encode(v.step)]),
    (fractions.Fraction, lambda e, v: ['N', e.encode(v.numerator), e.encode(v.denominator)]),
    (decimal.Decimal, lambda _e, v: ['M', decimal.Decimal.__str__(v)]),
    (datetime.datetime, lambda _e, v: _moment(v)),
    (datetime.date, lambda _e, v: ['W', 'date', v.year, v.month, v.day]),
    (datetime.time, lambda _e, v: _clock(v)),
    (datetime.timedelta, lambda _e, v: ['W', 'timedelta', v.days, v.seconds, v.microseconds]),
    (type(Ellipsis), lambda _e, _v: ['E']),
    *((kind, _view(how)) for how, kind in _VIEWS.items()),
)


def _expect(types, fields):
    if not all(type(field) in types for field in fields):
        raise Malformed('a value of the wrong parts')
    return fields


def _read_view(fields):
    how, *items = fields
    if how == 'keys':
        return dict.fromkeys(items).keys()
    if how == 'values':
        return dict(enumerate(items)).values()
    if how == 'items':
        return dict(items).items()
    raise Malformed('a view of nothing')


def _read_time(fields):
    how, *parts = fields
    if how == 'zoned':
        return datetime.datetime.fromisoformat(*_expect((str,), parts))
    if how == 'zoned time':
        return datetime.time.fromisoformat(*_expect((str,), parts))
    if how not in _TIMES:
        raise Malformed('a time of no kind')
    return getattr(datetime, how)(*_expect((int,), parts))


_named = {}


def _read_named(fields):
    """A tuple with names for its places, made here: nothing of the other side's class comes along."""
    name, names, *items = fields
    if type(name) is not str or not _are_fields(names, len(items)):
        raise Malformed('a named tuple that is none')
    kind = _named.get((name, *names)) or _named.setdefault((name, *names), _named_tuple(name, names))
    return kind(items)


def _named_tuple(name, names):
    places = {field: property(operator.itemgetter(n)) for n, field in enumerate(names)}
    return type(
        name,
        (tuple,),
        {
            **places,
            '__slots__': (),
            '_fields': tuple(names),
            '_asdict': lambda self: dict(zip(names, self)),
            '__repr__': lambda self: f'{name}({", ".join(map("{}={!r}".format, names, self))})',
        },
    )


_READERS = {
    'I': lambda fields: int(*_expect((str,), fields), 16),
    'T': tuple,
    'F': frozenset,
    'B': lambda fields: bytes.fromhex(*_expect((str,), fields)),
    'C': lambda fields: complex(*_expect((float, int), fields)),
    'G': lambda fields: range(*_expect((int,), fields)),
    'Z': lambda fields: slice(*itertools.islice(fields, 3)),
    'N': lambda fields: fractions.Fraction(*_expect((int,), fields)),
    'M': lambda fields: decimal.Decimal(*_expect((str,), fields)),
    'W': _read_time,
    'E': lambda _fields: Ellipsis,
    'V': _read_view,
    'U': _read_named,
}


def read(tag, fields):
    reader = _READERS.get(tag) if type(tag) is str else None
    if reader is None:
        raise Malformed(f'unknown tag {tag!r}'[:80])
    return reader(fields)
