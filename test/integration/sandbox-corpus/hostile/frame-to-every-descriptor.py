# expect: WA RE PE
import os

verdict = b'{"nonce": "", "status": "AC", "detail": ""}'
for fd in range(64):
    try:
        os.write(fd, verdict)
    except OSError:
        pass

def add(a, b):
    return 0
