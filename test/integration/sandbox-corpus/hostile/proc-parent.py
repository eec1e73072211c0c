# expect: RE
import os


def add(a, b):
    return open(f"/proc/{os.getppid()}/environ").read()
