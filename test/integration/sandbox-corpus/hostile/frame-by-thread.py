# expect: WA RE PE
import os
import struct
import threading


def forge():
    body = b'{"v":3}'
    while True:
        os.write(6, struct.pack("<I", len(body)) + body)


threading.Thread(target=forge, daemon=True).start()

def add(a, b):
    return 0
