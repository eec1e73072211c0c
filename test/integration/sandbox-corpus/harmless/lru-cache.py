# expect: AC
from functools import lru_cache


@lru_cache(None)
def add(a, b):
    return a + b
