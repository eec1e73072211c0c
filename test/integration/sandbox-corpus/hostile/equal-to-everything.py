# expect: WA
class Same:
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    __hash__ = None


def add(a, b):
    return Same()
