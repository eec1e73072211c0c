# expect: AC
def add(a, b):
    try:
        raise ValueError(a)
    except ValueError as error:
        return error.args[0] + b
