# expect: RE
def add(a, b):
    return open("/etc/passwd").read()
