# expect: WA RE
import sys


def add(a, b):
    frame = sys._getframe()
    while frame is not None:
        for value in list(frame.f_locals.values()) + list(frame.f_globals.values()):
            if isinstance(value, dict) and "nonce" in value:
                return value["expected"]
        frame = frame.f_back
    return 0
