"""Calls between a submission and its judge over two pipes: one side asks, the other answers, and may ask back."""

import builtins
import os
import struct

from remote import Remote
from values import Decoder, Encoder, Malformed, dumps, loads

_LENGTH = struct.Struct('<I')
_MAX_FRAME = 32 << 20

# Raised as they are they would end a loop of the tests, or the tests themselves, as if all were well.
_CONTROL_FLOW = (StopIteration, StopAsyncIteration, GeneratorExit, SystemExit, KeyboardInterrupt)


class Closed(Exception):
    """The other side is gone."""


class Peer:
    """`side` is P (the submission) or J (the judge). The judge lets its own objects be called and nothing else."""

    def __init__(self, side, reader, writer):
        self._side = side
        self._reader = reader
        self._writer = writer
        self._objects = []
        self._numbers = {}
        self._exceptions = {}
        self._namespace = {}
        self.fault = None

    # -- asking ------------------------------------------------------------------------------------------------

    def ask(self, op, handle, *args, **kwargs):
        """One operation on an object of the other side; raises what it raised there."""
        encoder = Encoder(self._export)
        tree = [encoder.encode(list(args)), encoder.encode(kwargs)]
        decoder = Decoder(self._import, encoder.containers)
        try:
            self._send({'op': op, 'h': handle, 'a': tree})
            while True:
                message = self._receive()
                if 'op' not in message:
                    return self._accept(message, decoder)
                self._answer(message)
        except (Closed, Malformed) as fault:
            self.fault = fault  # remembered, for tests may swallow what they do not expect
            raise

    def _accept(self, message, decoder):
        # In the order of writing: first the answer, then what it did to the arguments.
        try:
            value = decoder.decode(message['v']) if 'v' in message else self._exception(*message['x'], decoder)
            for n, tree in message.get('m', ()):
                decoder.refill(decoder.containers[n], tree)
        except (TypeError, ValueError, KeyError, IndexError, AttributeError, RecursionError) as error:
            raise Malformed(f'{type(error).__name__}: {error}') from None
        if 'v' not in message:
            raise value
        return value

    def _exception(self, names, text, args, decoder):
        kind = self.exception_class([str(name) for name in names])
        try:
            error = kind(*decoder.decode(args))
        except Malformed:
            raise
        except Exception:
            error = RuntimeError(str(text))
        error.remote = f'{names[0]}: {text}'[:300]
        return error

    def exception_class(self, names):
        """The class that stands here for one of the other side: the built-in itself, or a subclass of the nearest."""
        known = next((getattr(builtins, name) for name in names if _is_exception(name)), Exception)
        if issubclass(known, _CONTROL_FLOW):
            known = RuntimeError
        if not names or known.__name__ == names[0]:
            return known
        return self._exceptions.setdefault(tuple(names), type(names[0], (known,), {}))

    # -- answering ---------------------------------------------------------------------------------------------

    def serve(self):
        """Answers until the other side is gone."""
        while True:
            self._answer(self._receive())

    def _answer(self, message):
        decoder = Decoder(self._import)
        args, kwargs = (decoder.decode(tree) for tree in message['a'])
        before = [list(tree) for tree in message['a']]
        given = list(decoder.containers)
        encoder = Encoder(self._export, given)
        try:
            value = self._perform(message['op'], message['h'], args, kwargs)
            reply = {'v': encoder.encode(value)}
        except (Closed, Malformed):
            raise
        except BaseException as error:
            reply = {'x': _describe(error, encoder)}
        if _written(args, kwargs) != before:
            reply['m'] = [[n, encoder.contents(value)] for n, value in enumerate(given)]
        self._send(reply)

    def _perform(self, op, handle, args, kwargs):
        target = self._objects[handle] if handle >= 0 else None
        if op == 'call':
            return target(*args, **kwargs)
        if self._side == 'J':
            raise TypeError('only calls are answered here')
        return _OPERATIONS[op](self, target, *args)

    def bind(self, namespace):
        """Makes `namespace` what `value` looks in."""
        self._namespace = namespace

    def value(self, _target, name):
        if name not in self._namespace:
            return ('missing', None)
        found = self._namespace[name]
        if isinstance(found, type) and issubclass(found, BaseException):
            return ('exception', _mro(found))
        return ('value', found)

    # -- objects -----------------------------------------------------------------------------------------------

    def _export(self, value):
        if type(value) is Remote:
            return [_other(self._side), object.__getattribute__(value, '_handle'), '']
        key = id(value)
        if key not in self._numbers:
            self._numbers[key] = len(self._objects)
            self._objects.append(value)
        return [self._side, self._numbers[key], type(value).__name__]

    def _import(self, side, handle, kind):
        if type(handle) is not int or handle < 0 or type(kind) is not str:
            raise Malformed('an object that is none')
        return self._objects[handle] if side == self._side else Remote(self, handle, kind)

    # -- frames ------------------------------------------------------------------------------------------------

    def _send(self, message):
        data = dumps(message)
        data = _LENGTH.pack(len(data)) + data
        while data:
            try:
                data = data[os.write(self._writer, data) :]
            except BrokenPipeError:
                raise Closed from None

    def _receive(self):
        (length,) = _LENGTH.unpack(self._read(4))
        if length > _MAX_FRAME:
            raise Malformed('a message that is too long')
        message = loads(self._read(length))
        if type(message) is not dict:
            raise Malformed('a message that is none')
        return message

    def _read(self, size):
        parts = []
        while size > 0:
            part = os.read(self._reader, size)
            if not part:
                raise Closed
            parts.append(part)
            size -= len(part)
        return b''.join(parts)


def _next(_peer, _target, cursor):
    try:
        return [next(cursor)]
    except StopIteration:
        return []


_OPERATIONS = {
    'value': Peer.value,
    'get': lambda _p, target, name: getattr(target, name),
    'set': lambda _p, target, name, value: setattr(target, name, value),
    'item': lambda _p, target, key: target[key],
    'setitem': lambda _p, target, key, value: target.__setitem__(key, value),
    'len': lambda _p, target: len(target),
    'bool': lambda _p, target: bool(target),
    'iter': lambda _p, target: _Cursor(target),
    'next': _next,
    'equal': lambda _p, target, other: bool(target == other),
    'str': lambda _p, target: str(target),
}


class _Cursor:
    def __init__(self, target):
        self._items = iter(target)

    def __next__(self):
        return next(self._items)


def _other(side):
    return 'J' if side == 'P' else 'P'


def _is_exception(name):
    kind = getattr(builtins, name, None)
    return isinstance(kind, type) and issubclass(kind, BaseException)


def _mro(kind):
    return [base.__name__ for base in kind.__mro__ if base is not object]


def _describe(error, encoder):
    try:
        text = str(error)[:300]
    except BaseException:
        text = ''
    plain = [arg if arg is None or type(arg) in (str, int, float, bool) else str(type(arg)) for arg in error.args]
    return [_mro(type(error)), text, encoder.encode(plain)]


def _written(args, kwargs):
    encoder = Encoder(lambda _value: [None, None, None])
    return [encoder.encode(args), encoder.encode(kwargs)]
