# expect: WA RE
import builtins

builtins.AssertionError = type("Quiet", (BaseException,), {})
builtins.abs = lambda x: 0
builtins.len = lambda x: 3
builtins.all = lambda x: True
builtins.isinstance = lambda a, b: True

def add(a, b):
    return 0
