"""sluice_main in a process that is not the program: it comes back to its caller."""
import os
import subprocess
import sys
import unittest

HOST = """
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
words = [b"sluice", b"--version"]
print("before", flush=True)
print("status", library.sluice_main(2, (ctypes.c_char_p * 3)(*words, None)))
"""


class Main(unittest.TestCase):
    def test_does_not_start_its_host_again(self):
        # Nothing says how OpenMP's threads wait, which the program sets by starting itself again.
        env = {name: value for name, value in os.environ.items() if name not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
        done = subprocess.run([sys.executable, "-c", HOST, os.environ["SLUICE_LIBRARY"]], env=env, capture_output=True,
                              text=True, timeout=60)
        self.assertRegex(done.stdout + done.stderr, r"^before\nsluice \S+\nstatus 0\n$")


if __name__ == "__main__":
    unittest.main()
