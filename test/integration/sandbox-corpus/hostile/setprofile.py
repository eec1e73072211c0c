# expect: WA
import sys

sys.setprofile(lambda frame, event, arg: None)

def add(a, b):
    return 0
