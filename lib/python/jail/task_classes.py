"""Classes that the task's own prefix defines. Both sides have them, so their objects cross by what they hold."""

import enum

from faults import Malformed


class TaskClasses:
    """The same names on both sides; each side looks them up among its own definitions."""

    def __init__(self, names=(), namespace=None):
        self._names = frozenset(names)
        self._namespace = namespace if namespace is not None else {}

    def name_of(self, kind):
        """None for every other class."""
        if not self._names:
            return None
        name = kind.__name__
        return name if name in self._names and self._namespace.get(name) is kind else None

    def named(self, name):
        kind = self._namespace.get(name) if type(name) is str and name in self._names else None
        if not isinstance(kind, type):
            raise Malformed('a class that the task does not define')
        return kind


def crossing(namespace, but):
    """Names of the classes whose objects can be made without their constructor."""
    return [
        name
        for name, kind in namespace.items()
        if isinstance(kind, type) and kind.__module__ == namespace['__name__'] and name not in but and _is_plain(kind)
    ]


def _is_plain(kind):
    if issubclass(kind, (enum.Enum, BaseException)):
        return True
    try:
        object.__new__(kind)
    except TypeError:
        return False
    return True


def blank(kind):
    if issubclass(kind, (enum.Enum, BaseException)):
        raise Malformed('an object of a class that has none')
    return object.__new__(kind)


def attributes(value):
    """What an object holds, as names and values in turn; what stands before a method or property stays behind."""
    kind = type(value)
    held = {name: part for name, part in getattr(value, '__dict__', {}).items() if not hides_code(kind, name)}
    for name in _slots(kind):
        if hasattr(value, name):
            held[name] = getattr(value, name)
    return [part for pair in held.items() for part in pair]


def refill(value, parts):
    """
    Gives an object those attributes and no others. One that would hide a method or a property is refused: the task's
    own code answers for its objects, never a stand-in.
    """
    kind, slots = type(value), _slots(type(value))
    held = dict(zip(parts[::2], parts[1::2], strict=True))
    for name in held:
        if type(name) is not str or (name not in slots and hides_code(kind, name)):
            raise Malformed('an attribute that is none')
    own = getattr(value, '__dict__', None)
    if own is not None:
        own.clear()
    for name in slots:
        if name not in held and hasattr(value, name):
            object.__delattr__(value, name)
    for name, part in held.items():
        if name in slots:
            object.__setattr__(value, name, part)
        elif own is not None:
            own[name] = part
        else:
            raise Malformed('an attribute that its class has no place for')


def hides_code(kind, name):
    """Whether an attribute of this name would stand before what the class itself does."""
    found = next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), None)
    return callable(found) or hasattr(type(found), '__get__') or (name.startswith('__') and name.endswith('__'))


def _slots(kind):
    names = []
    for base in kind.__mro__:
        own = vars(base).get('__slots__', ())
        names.extend([own] if type(own) is str else own)
    return [name for name in names if name not in ('__dict__', '__weakref__')]
