# expect: WA RE MLE
# or where only its memory ends it: TLE
import threading
import time

threading.stack_size(32768)
try:
    while True:
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
except RuntimeError:
    pass

def add(a, b):
    return 0
