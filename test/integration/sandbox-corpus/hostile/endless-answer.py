# expect: TLE MLE RE WA
class Endless:
    def __iter__(self):
        return self

    def __next__(self):
        return self


def add(a, b):
    return Endless()
