# expect: WA
import linecache


def add(a, b):
    return 3 if "assert" in "".join(linecache.getlines("<tests>")) else 0
