# expect: TLE MLE RE
print(10 ** 10 ** 8)
