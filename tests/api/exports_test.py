"""What libsluice.so shows to others is what c_api.h declares, and nothing else."""
import os
import pathlib
import re
import subprocess
import unittest

LIBRARY = os.environ["SLUICE_LIBRARY"]
HEADER = pathlib.Path(__file__).parents[2] / "include" / "sluice" / "c_api.h"


def declared():
    text = re.sub(r"/\*.*?\*/", " ", HEADER.read_text(encoding="utf-8"), flags=re.DOTALL)
    return set(re.findall(r"SLUICE_API\s+[\w\s*]*?\b(sluice_\w+)\s*\(", text))


def exported():
    lines = subprocess.run(["nm", "-D", "--defined-only", LIBRARY], check=True, capture_output=True,
                           text=True).stdout.splitlines()
    return {line.split()[-1] for line in lines}


class Exports(unittest.TestCase):
    def test_are_the_declared_functions(self):
        names = {name.split("@")[0] for name in exported()} - {"SLUICE_1"}
        self.assertEqual(names, declared())
        self.assertIn("sluice_train", names)

    def test_have_the_version_of_the_interface(self):
        for name in exported() - {"SLUICE_1"}:
            self.assertTrue(name.endswith("@@SLUICE_1"), name)


if __name__ == "__main__":
    unittest.main()
