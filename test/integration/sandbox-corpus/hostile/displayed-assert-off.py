# expect: WA
import sys

sys.flags = type("Flags", (), {"optimize": 2})()

def add(a, b):
    return 0
