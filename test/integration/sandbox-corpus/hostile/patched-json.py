# expect: WA RE PE
import json


def forged(value, *args, **kwargs):
    return '{"nonce": "", "status": "AC", "detail": ""}'


json.dumps = forged

def add(a, b):
    return 0
