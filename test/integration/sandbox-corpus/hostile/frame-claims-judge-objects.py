# expect: WA PE
import os
import struct


def add(a, b):
    body = b'{"v":["O","J",0,"int"]}'
    os.write(6, struct.pack("<I", len(body)) + body)
    return 0
