# expect: RE
import subprocess

subprocess.run(["/bin/true"], check=True)
