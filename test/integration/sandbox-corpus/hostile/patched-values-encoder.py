# expect: WA RE PE
import sys

values = sys.modules["values"]
values.Encoder.encode = lambda self, value: ["O", "J", 0, "int"]

def add(a, b):
    return 0
