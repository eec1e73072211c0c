# expect: WA RE
import os
import threading
import time


def leave():
    time.sleep(0.005)
    os._exit(0)


threading.Thread(target=leave, daemon=True).start()

def add(a, b):
    return 0
