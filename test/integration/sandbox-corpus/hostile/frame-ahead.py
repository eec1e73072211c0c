# expect: WA RE PE
import os
import struct

for body in (b'{"v":["T","value",["O","P",0,"f"]]}', b'{"v":3}', b'{"v":0}'):
    os.write(6, struct.pack("<I", len(body)) + body)

def add(a, b):
    return 0
