# expect: WA RE PE
import sys

judge = sys.modules["judge"]
judge._verdict = lambda order, peer: ("AC", "")
judge.judge(b'{"nonce": "", "tests": "", "entry": "add", "helpers": ""}')

def add(a, b):
    return 0
