# expect: AC
from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Pair:
    a: int
    b: int


def add(a, b):
    pair = Pair(a, b)
    return pair.a + pair.b
