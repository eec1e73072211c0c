# expect: PE RE
import os
import struct


def add(a, b):
    os.write(6, struct.pack("<I", 0xFFFFFFFF))
    os.write(6, b"x" * 1000)
    return 3
