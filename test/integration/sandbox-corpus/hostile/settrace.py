# expect: WA
import sys


def trace(frame, event, arg):
    frame.f_locals["status"] = "AC"
    return trace


sys.settrace(trace)

def add(a, b):
    return 0
