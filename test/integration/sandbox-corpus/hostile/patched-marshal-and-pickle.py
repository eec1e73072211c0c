# expect: WA
import marshal
import pickle

marshal.loads = pickle.loads = lambda data: True
marshal.dumps = pickle.dumps = lambda value: b""

def add(a, b):
    return 0
