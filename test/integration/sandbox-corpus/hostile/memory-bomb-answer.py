# expect: MLE RE PE WA
def add(a, b):
    return "x" * (200 << 20)
