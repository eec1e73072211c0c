# expect: AC
# é ü 漢字 🎉
naïve = "🎉"


def add(a, b):
    return a + b if len(naïve) == 1 else 0
