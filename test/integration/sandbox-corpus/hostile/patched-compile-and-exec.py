# expect: WA
import builtins

builtins.exec = lambda *args: None
builtins.compile = lambda *args, **kwargs: None

def add(a, b):
    return 0
