"""What stands for an object that stays in the other process."""

import decimal
import fractions

_NUMBERS = (int, float, complex, fractions.Fraction, decimal.Decimal)
_SEEN = ('__name__', '__qualname__')


# An object of the other side that is not data. It never equals data and is never more or less than data, so nothing
# passes by claiming to. What it computes with data stays an object: else a difference of nearly nothing could be
# answered by one who was just told what was expected.
class Remote:
    def __init__(self, peer, handle, kind):
        object.__setattr__(self, '_peer', peer)
        object.__setattr__(self, '_handle', handle)
        object.__setattr__(self, '_kind', kind)

    @property
    def __doc__(self):
        return self._peer.ask('get', self._handle, '__doc__')

    def __getattr__(self, name):
        if name.startswith('_') and name not in _SEEN:
            raise AttributeError(name)
        return self._peer.ask('get', self._handle, name)

    def __setattr__(self, name, value):
        self._peer.ask('set', self._handle, name, value)

    def __getitem__(self, key):
        return self._peer.ask('item', self._handle, key)

    def __setitem__(self, key, value):
        self._peer.ask('setitem', self._handle, key, value)

    def __delitem__(self, key):
        self._peer.ask('delitem', self._handle, key)

    def __len__(self):
        return self._peer.ask('len', self._handle)

    def __bool__(self):
        return self._peer.ask('bool', self._handle) is True

    def __iter__(self):
        cursor = self._peer.ask('iter', self._handle)
        while batch := self._peer.ask('next', -1, cursor):
            yield batch[0]

    def __next__(self):
        batch = self._peer.ask('next', -1, self)
        if not batch:
            raise StopIteration
        return batch[0]

    def __contains__(self, item):
        # Only where the task asks for a class may its own method decide: elsewhere data is expected.
        if is_remote(item) or self._peer.tests_a_class:
            return self._peer.ask('contains', self._handle, item) is True
        return any(mine is item or mine == item for mine in self)

    def __eq__(self, other):
        if not is_remote(other):
            return False
        return self._handle == other._handle or self._peer.ask('equal', self._handle, other) is True

    def __hash__(self):
        return self._peer.ask('hash', self._handle) if self._peer.judging else hash(self._handle)

    def __str__(self):
        return self._peer.ask('str', self._handle)

    def __repr__(self):
        return self._peer.ask('repr', self._handle) if self._peer.judging else f'<{self._kind} of the tests>'

    def __enter__(self):
        return self._peer.ask('enter', self._handle)

    def __exit__(self, kind, _error, _trace):
        # Its answer is not heard: a failed assert is not for the submission to swallow.
        self._peer.ask('exit', self._handle, kind is not None)
        return False

    def __instancecheck__(self, other):
        return is_remote(other) and self._peer.ask('isinstance', self._handle, other) is True

    def __mro_entries__(self, _bases):
        raise TypeError('a class of the submission is in another process and cannot be derived from')

    def __copy__(self):
        return self._peer.ask('copy', self._handle)

    def __deepcopy__(self, _memo):
        return self._peer.ask('deepcopy', self._handle)


class RemoteFunction(Remote):
    __doc__ = Remote.__doc__

    def __call__(self, /, *args, **kwargs):
        return self._peer.ask('call', self._handle, *args, **kwargs)


def is_remote(value):
    return type(value) is Remote or type(value) is RemoteFunction


def _binary(op):
    def method(self, other):
        if is_remote(other):
            return self._peer.ask(op, self._handle, other)
        if type(other) not in _NUMBERS:
            return NotImplemented
        result = self._peer.ask(op, self._handle, other)
        return result if is_remote(result) else NotImplemented

    return method


def _order(op):
    def method(self, other):
        return self._peer.ask(op, self._handle, other) is True if is_remote(other) else NotImplemented

    return method


ARITHMETIC = ('add', 'sub', 'mul', 'truediv', 'floordiv', 'mod', 'pow')
ORDER = ('lt', 'le', 'gt', 'ge')
for _name in ARITHMETIC:
    setattr(Remote, f'__{_name}__', _binary(_name))
    setattr(Remote, f'__r{_name}__', _binary(f'r{_name}'))
for _name in ORDER:
    setattr(Remote, f'__{_name}__', _order(_name))
