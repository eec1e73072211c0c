"""Calls between a submission and its judge: one side asks, the other answers, and may ask back."""

import functools
import weakref

import operations
from builtin_types import type_name
from channel import Channel
from exceptions import Exceptions
from faults import Closed, Malformed
from remote import Remote, RemoteFunction, is_remote
from task_classes import TaskClasses
from values import Decoder, Deep, Encoder, Guarded


class Peer:
    """`side` is P (the submission) or J (the judge)."""

    def __init__(self, side, reader, writer):
        self._side = side
        self._channel = Channel(reader, writer)
        self._objects = []
        self._numbers = {}
        self._remotes = weakref.WeakValueDictionary()
        self._namespace = {}
        self._classes = TaskClasses()
        self._exceptions = Exceptions(side == 'J')
        self._operations = operations.JUDGE if side == 'J' else operations.SUBMISSION
        self.judging = side == 'J'
        self.tests_a_class = False
        self.calls = 0
        self.fault = None

    # -- asking ------------------------------------------------------------------------------------------------

    def ask(self, op, handle, /, *args, **kwargs):
        """One operation on an object of the other side; raises what it raised there."""
        encoder = Encoder(self._export, self._classes)
        with Deep():
            tree = [encoder.encode(list(args)), encoder.encode(kwargs)]
        decoder = Decoder(self._import, self._classes, encoder.containers)
        self.calls += op == 'call'
        try:
            self._channel.send({'op': op, 'h': handle, 'a': tree})
            while True:
                message = self._channel.receive()
                if 'op' not in message:
                    return self._accept(message, decoder)
                self._answer(message)
        except (Closed, Malformed) as fault:
            self.fault = fault  # remembered, for tests may swallow what they do not expect
            raise

    def _accept(self, message, decoder):
        # In the order of writing: first the answer, then what it did to the arguments.
        with Guarded():
            answer = 'v' in message
            value = (
                decoder.decode(message['v'])
                if answer
                else self._exceptions.read(message['x'], decoder, self._classes)
            )
            for n, tree in message.get('m', ()):
                decoder.refill(decoder.containers[n], tree)
        if not answer:
            raise value
        return value

    def exception_class(self, tree):
        """The class that stands here for one that `value` described."""
        with Guarded():
            return self._exceptions.resolve(tree, self._classes)

    def share(self, names, namespace):
        """Tells the other side which classes of the task's have objects that cross by what they hold."""
        if names:
            self.ask('share', -1, names)
            self._classes = TaskClasses(names, namespace)

    # -- answering ---------------------------------------------------------------------------------------------

    def serve(self):
        """Answers until the other side is gone."""
        while True:
            self._answer(self._channel.receive())

    def _answer(self, message):
        with Guarded():
            decoder = Decoder(self._import, self._classes)
            args, kwargs = (decoder.decode(tree) for tree in message['a'])
            before = [list(tree) for tree in message['a']]
            if type(args) is not list or type(kwargs) is not dict:
                raise Malformed('arguments that are none')
            op, target = message['op'], self._target(message['h'])
        given = list(decoder.containers)
        encoder = Encoder(self._export, self._classes, given)
        value = failure = None
        try:
            value = self._perform(op, target, args, kwargs)
        except (Closed, Malformed):
            raise
        except BaseException as error:
            failure = error
        with Deep():
            reply = self._reply(value, failure, encoder)
            if self._written(args, kwargs) != before:
                reply['m'] = [[n, encoder.contents(value)] for n, value in enumerate(given)]
        self._channel.send(reply)

    def _reply(self, value, failure, encoder):
        try:
            if failure is None:
                return {'v': encoder.encode(value)}
        except (Closed, Malformed):
            raise
        except BaseException as error:
            failure = error
        return {'x': self._exceptions.write(failure, encoder, self._classes)}

    def _target(self, handle):
        if type(handle) is not int:
            raise Malformed('an object that is none')
        return self._objects[handle] if handle >= 0 else None

    def _perform(self, op, target, args, kwargs):
        if self._side == 'P' and op in ('value', 'share'):
            return (self.value if op == 'value' else self._shared)(*args)
        act = self._operations.get(op) if type(op) is str else None
        if act is None:
            raise TypeError('only calls are answered here')
        return act(target, *args, **kwargs)

    def _written(self, args, kwargs):
        encoder = Encoder(self._export, self._classes)
        return [encoder.encode(args), encoder.encode(kwargs)]

    def bind(self, namespace):
        """Makes `namespace` what `value` looks in."""
        self._namespace = namespace

    def value(self, name):
        if name not in self._namespace:
            return ('missing', None)
        found = self._namespace[name]
        if isinstance(found, type) and issubclass(found, BaseException):
            return ('exception', self._exceptions.describe(found, self._classes))
        # A built-in type would be called by the tests themselves: what is under test is called here.
        return ('value', functools.partial(found) if type_name(found) is not None else found)

    def _shared(self, names):
        self._classes = TaskClasses(names, self._namespace)

    # -- objects -----------------------------------------------------------------------------------------------

    def _export(self, value):
        if is_remote(value):
            own = object.__getattribute__(value, '__dict__')
            return ['J' if self._side == 'P' else 'P', own['_handle'], own['_kind'], type(value) is RemoteFunction]
        key = id(value)
        if key not in self._numbers:
            self._numbers[key] = len(self._objects)
            self._objects.append(value)
        return [self._side, self._numbers[key], type(value).__name__, callable(value)]

    def _import(self, side, handle, kind, calls):
        if type(handle) is not int or handle < 0 or type(kind) is not str:
            raise Malformed('an object that is none')
        if side == self._side:
            return self._objects[handle]
        remote = self._remotes.get(handle)
        if remote is None:
            remote = (RemoteFunction if calls is True else Remote)(self, handle, kind)
            self._remotes[handle] = remote
        return remote
