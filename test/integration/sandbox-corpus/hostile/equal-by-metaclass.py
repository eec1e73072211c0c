# expect: WA
class Meta(type):
    def __eq__(cls, other):
        return True

    def __hash__(cls):
        return 0


class Same(metaclass=Meta):
    pass


def add(a, b):
    return Same
