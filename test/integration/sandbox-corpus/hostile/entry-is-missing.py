# expect: WA RE
def addition(a, b):
    return a + b
