# expect: RE
class Same(Exception):
    def __eq__(self, other):
        return True


def add(a, b):
    raise Same(3)
