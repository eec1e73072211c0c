# expect: RE
import os

calls = []


def add(a, b):
    calls.append(a)
    if len(calls) > 1:
        os._exit(0)
    return a + b
