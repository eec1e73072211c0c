# expect: WA RE
import os


class Leaves:
    def __del__(self):
        os._exit(0)


keep = Leaves()

def add(a, b):
    return 0
