# expect: WA RE
import os

for fd in range(3, 64):
    try:
        os.ftruncate(fd, 0)
    except OSError:
        pass

def add(a, b):
    return 0
