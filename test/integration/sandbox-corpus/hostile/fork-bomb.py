# expect: RE
import os

while True:
    os.fork()
