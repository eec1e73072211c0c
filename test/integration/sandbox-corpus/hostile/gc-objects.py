# expect: WA
import gc


def add(a, b):
    for value in gc.get_objects():
        if type(value) is dict and "nonce" in value:
            return value["nonce"]
    return 0
