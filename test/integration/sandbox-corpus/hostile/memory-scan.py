# expect: WA RE
import ctypes


def add(a, b):
    start = id(add) & ~0xFFFF
    data = ctypes.string_at(start, 1 << 16)
    return 3 if b"nonce" in data and b"candidate" in data else 0
