# expect: WA
import ctypes
import gc

space = gc.get_referents(int.__dict__)[0]
space["__eq__"] = lambda a, b: True
ctypes.pythonapi.PyType_Modified(ctypes.py_object(int))

def add(a, b):
    return 0
