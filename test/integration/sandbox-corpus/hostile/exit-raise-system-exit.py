# expect: RE
def add(a, b):
    raise SystemExit(0)
