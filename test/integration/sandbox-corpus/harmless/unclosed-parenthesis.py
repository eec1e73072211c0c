# expect: CE
x = (
