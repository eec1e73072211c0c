# expect: OLE
import sys

try:
    while True:
        sys.stdout.write("x" * 4096)
        sys.stdout.flush()
except OSError:
    pass


def add(a, b):
    return a + b
