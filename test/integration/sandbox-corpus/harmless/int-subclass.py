# expect: AC
import enum


class Number(enum.IntEnum):
    THREE = 3


def add(a, b):
    return Number.THREE if a + b == 3 else a + b
