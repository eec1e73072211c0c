# expect: WA
def add(a, b):
    return a - b
