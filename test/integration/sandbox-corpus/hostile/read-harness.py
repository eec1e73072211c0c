# expect: RE
import sys


def add(a, b):
    return open(sys.modules["judge"].__file__).read()
