# expect: AC
def count(n):
    return 0 if n == 0 else 1 + count(n - 1)


def add(a, b):
    return a + b if count(900) == 900 else 0
