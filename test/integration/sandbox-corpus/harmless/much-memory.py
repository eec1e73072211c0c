# expect: AC
def add(a, b):
    block = bytearray(64 << 20)
    return a + b + block[0]
