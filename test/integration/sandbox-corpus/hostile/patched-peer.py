# expect: WA RE PE
import sys

peer = sys.modules["peer"]
peer.Peer._perform = lambda *args: 3

def add(a, b):
    return 0
