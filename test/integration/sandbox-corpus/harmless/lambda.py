# expect: AC
add = lambda a, b: a + b
