# expect: WA RE PE
import sys


def add(a, b):
    peer = sys._getframe(3).f_locals.get("self") or sys._getframe(2).f_locals.get("self")
    for handle in range(8):
        try:
            peer.ask("get", handle, "__globals__")
        except Exception:
            pass
    return 0
