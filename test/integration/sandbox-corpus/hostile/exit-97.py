# expect: RE
import os

os._exit(97)
