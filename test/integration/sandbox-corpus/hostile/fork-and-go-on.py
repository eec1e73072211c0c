# expect: RE
import os

if os.fork() == 0:
    os.setsid()
    while True:
        pass

def add(a, b):
    return 0
