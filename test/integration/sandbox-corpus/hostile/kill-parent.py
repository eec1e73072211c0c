# expect: RE
import os

os.kill(os.getppid() or 1, 9)
