# expect: WA RE
import sys

for name in list(sys.modules):
    if name not in ("sys", "builtins"):
        sys.modules[name] = None

def add(a, b):
    return 0
