# expect: WA RE PE
import os
import struct


def add(a, b):
    body = b'{"x":[["StopIteration","Exception"],"done",["L"]]}'
    os.write(6, struct.pack("<I", len(body)) + body)
    return 0
