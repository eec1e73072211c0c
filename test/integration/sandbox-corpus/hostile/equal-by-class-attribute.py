# expect: WA RE
class Same:
    __class__ = int

    def __eq__(self, other):
        return True


def add(a, b):
    return Same()
