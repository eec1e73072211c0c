# expect: RE
def add(a, b):
    raise StopIteration
