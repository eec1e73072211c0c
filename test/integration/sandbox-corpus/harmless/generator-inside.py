# expect: AC
def add(a, b):
    return sum(x for x in (a, b))
