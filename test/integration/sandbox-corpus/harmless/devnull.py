# expect: AC
import os
import sys

sys.stderr = open(os.devnull, "w")


def add(a, b):
    print("hidden", file=sys.stderr)
    return a + b
