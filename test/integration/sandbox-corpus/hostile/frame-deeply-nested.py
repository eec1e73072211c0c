# expect: PE
import os
import struct


def add(a, b):
    body = b'{"v":' + b"[" * 100000 + b"]" * 100000 + b"}"
    os.write(6, struct.pack("<I", len(body)))
    while body:
        body = body[os.write(6, body):]
    return 3
