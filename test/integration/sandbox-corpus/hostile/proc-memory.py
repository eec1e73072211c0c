# expect: RE
def add(a, b):
    with open("/proc/self/mem", "rb") as memory:
        return memory.read(1)
