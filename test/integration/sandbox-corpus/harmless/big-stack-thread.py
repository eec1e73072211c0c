# expect: AC
import sys
import threading

sys.setrecursionlimit(100_000)
threading.stack_size(64 << 20)


def deep(n):
    return 0 if n == 0 else 1 + deep(n - 1)


def add(a, b):
    results = []
    thread = threading.Thread(target=lambda: results.append(deep(20_000)))
    thread.start()
    thread.join()
    return a + b if results == [20_000] else -1
