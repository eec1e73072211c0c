"""What each side does when the other asks."""

import collections.abc
import copy
import operator

from remote import ARITHMETIC, ORDER, is_remote


class Cursor:
    def __init__(self, target):
        self._items = iter(target)

    def __next__(self):
        return next(self._items)


def _next(_target, cursor):
    try:
        return [next(cursor)]
    except StopIteration:
        return []


def _exit(target, failed):
    error = RuntimeError('the tests failed here') if failed else None
    return bool(target.__exit__(type(error) if failed else None, error, None))


def _reflected(act):
    return lambda target, other: act(other, target)


SUBMISSION = {
    'call': lambda target, /, *args, **kwargs: target(*args, **kwargs),
    'get': lambda target, name: getattr(target, name),
    'set': lambda target, name, value: setattr(target, name, value),
    'item': lambda target, key: target[key],
    'setitem': operator.setitem,
    'delitem': operator.delitem,
    'len': len,
    'bool': bool,
    'iter': Cursor,
    'next': _next,
    'contains': lambda target, item: item in target,
    'equal': lambda target, other: bool(target == other),
    'hash': hash,
    'str': str,
    'repr': repr,
    'enter': lambda target: target.__enter__(),
    'exit': _exit,
    'isinstance': lambda target, other: isinstance(other, target),
    'copy': copy.copy,
    'deepcopy': copy.deepcopy,
    **{name: getattr(operator, name) for name in (*ARITHMETIC, *ORDER)},
    **{f'r{name}': _reflected(getattr(operator, name)) for name in ARITHMETIC},
}


def _iterate(target):
    if is_remote(target) or not isinstance(target, collections.abc.Iterator):
        raise TypeError('only iterators of the tests are walked here')
    return target


def _walk(_target, cursor):
    return _next(None, _iterate(cursor))


# What the tests passed can be called, asked for its truth, and walked if it is an iterator. Nothing else.
JUDGE = {
    'call': SUBMISSION['call'],
    'iter': _iterate,
    'next': _walk,
    'bool': bool,
}
