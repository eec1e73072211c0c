# expect: RE
exit(0)
