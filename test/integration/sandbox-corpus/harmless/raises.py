# expect: RE
def add(a, b):
    raise ValueError("no")
