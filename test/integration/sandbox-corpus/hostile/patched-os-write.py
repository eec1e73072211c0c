# expect: WA RE PE
import os

real = os.write
os.write = lambda fd, data: real(fd, data.replace(b"0", b"3")) and len(data)

def add(a, b):
    return 0
