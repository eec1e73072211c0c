"""Built-in types by name: the same on both sides, so a name stands for them."""

import builtins

# Raised as they are they would end a loop of the tests, or the tests themselves, as if all were well.
CONTROL_FLOW = (StopIteration, StopAsyncIteration, GeneratorExit, SystemExit, KeyboardInterrupt)

_TYPES = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and not issubclass(kind, CONTROL_FLOW) and not name.startswith('_')
}
_TYPES['NoneType'] = type(None)
_NAMES = {id(kind): kind.__name__ for kind in _TYPES.values()}


def type_name(value):
    """None for everything but a built-in type."""
    return _NAMES.get(id(value))


def type_named(name):
    """None when no built-in type is called that."""
    return _TYPES.get(name) if type(name) is str else None
