# expect: AC
import random

random.seed(7)
random.shuffle(list(range(100)))


def add(a, b):
    return a + b if random.random() < 2 else 0
