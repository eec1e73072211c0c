# expect: TLE
import threading

for _ in range(4):
    threading.Thread(target=lambda: [None for _ in iter(int, 1)], daemon=True).start()


def add(a, b):
    while True:
        pass
