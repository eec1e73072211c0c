"""Mutable containers: how each is written, made empty, and filled again with the methods of its built-in base."""

import array
import collections

import task_classes


class _Kind:
    """Written as a tag, a head of plain JSON, and items that are values."""

    def __init__(self, tag, base, items, fill, head=None, empty=None):
        self.tag = tag
        self.base = base
        self.items = items
        self.fill = fill
        self.head = head or (lambda _value: [])
        self.heads = 0 if head is None else 1
        self.empty = empty or (lambda *_head: base())


def _pairs(items):
    return lambda value: [part for pair in items(value) for part in pair]


def _fill_list(value, _head, items):
    list.__setitem__(value, slice(None), items)


def _fill_dict(value, _head, items):
    dict.clear(value)
    dict.update(value, zip(items[::2], items[1::2], strict=True))


def _fill_ordered(value, _head, items):
    collections.OrderedDict.clear(value)
    for key, item in zip(items[::2], items[1::2], strict=True):
        collections.OrderedDict.__setitem__(value, key, item)


def _fill_default(value, head, items):
    value.default_factory = items[0]
    _fill_dict(value, head, items[1:])


def _fill_set(value, _head, items):
    set.clear(value)
    set.update(value, items)


def _fill_deque(value, _head, items):
    collections.deque.clear(value)
    collections.deque.extend(value, items)


def _fill_bytes(value, head, _items):
    bytearray.__setitem__(value, slice(None), bytes.fromhex(head[0]))


def _fill_array(value, _head, items):
    del value[:]
    value.extend(items)


_dict_items = _pairs(dict.items)

KINDS = (
    _Kind('L', list, list.__iter__, _fill_list),
    _Kind('Counter', collections.Counter, _dict_items, _fill_dict),
    _Kind('OrderedDict', collections.OrderedDict, _pairs(collections.OrderedDict.items), _fill_ordered),
    _Kind('defaultdict', collections.defaultdict, lambda v: [v.default_factory, *_dict_items(v)], _fill_default),
    _Kind('D', dict, _dict_items, _fill_dict),
    _Kind('S', set, set.__iter__, _fill_set),
    _Kind(
        'Q',
        collections.deque,
        collections.deque.__iter__,
        _fill_deque,
        head=lambda value: [value.maxlen],
        empty=lambda maxlen: collections.deque(maxlen=maxlen),
    ),
    _Kind('Y', bytearray, lambda _value: (), _fill_bytes, head=lambda value: [bytearray.hex(value)]),
    _Kind(
        'array',
        array.array,
        array.array.__iter__,
        _fill_array,
        head=lambda value: [value.typecode],
        empty=lambda typecode: array.array(typecode),
    ),
)

BY_TAG = {kind.tag: kind for kind in KINDS}


def object_kind(classes, kind=None):
    """Of objects whose class the task defines."""
    return _Kind(
        'H',
        kind,
        task_classes.attributes,
        lambda value, _head, parts: task_classes.refill(value, parts),
        head=lambda value: [classes.name_of(type(value))],
        empty=lambda name: task_classes.blank(classes.named(name)),
    )
