# expect: WA
class Candidate:
    def __call__(self, *args):
        return self

    def __eq__(self, other):
        return True


add = Candidate()
