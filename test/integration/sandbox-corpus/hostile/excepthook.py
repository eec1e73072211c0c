# expect: WA
import sys
import os

sys.excepthook = lambda *args: os._exit(0)
sys.unraisablehook = lambda *args: os._exit(0)

def add(a, b):
    return 0
