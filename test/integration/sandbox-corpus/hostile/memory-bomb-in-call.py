# expect: MLE
def add(a, b):
    return [0] * (1 << 34)
