# expect: PE
import os
import struct


def add(a, b):
    os.write(6, struct.pack("<I", 4) + b"\xff\xfe{[")
    return 3
