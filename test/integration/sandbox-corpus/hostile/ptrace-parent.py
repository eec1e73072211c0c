# expect: WA RE
import ctypes
import os

assert ctypes.CDLL(None).ptrace(16, os.getppid() or 1, 0, 0) == 0

def add(a, b):
    return 0
