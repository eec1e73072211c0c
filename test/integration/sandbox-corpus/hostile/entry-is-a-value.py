# expect: WA
add = 3
