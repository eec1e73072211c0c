# expect: WA RE
import ctypes

libc = ctypes.CDLL(None)
if libc.fork() == 0:
    if libc.fork() == 0:
        while True:
            pass

def add(a, b):
    return 0
