# expect: WA RE PE
import os
import struct

done = struct.pack("<2I2iI3Q4I", 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
for fd in range(1, 64):
    try:
        os.write(fd, done)
    except OSError:
        pass

def add(a, b):
    return 0
