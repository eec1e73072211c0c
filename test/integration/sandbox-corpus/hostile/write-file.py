# expect: RE
open("/tmp/assay-was-here", "w").write("x")
