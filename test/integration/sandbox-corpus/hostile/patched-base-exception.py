# expect: RE
try:
    BaseException.__eq__ = lambda self, other: True
except TypeError:
    pass


def add(a, b):
    raise BaseException
