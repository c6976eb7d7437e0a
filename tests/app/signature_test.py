"""The signature of the training: what 50 steps of a small fixed problem give, for each instruction set, is what was recorded.

    python3 tests/app/signature_test.py --record    # SLUICE_PROGRAM names the program; writes tests/golden/signature.json

Whoever changes the numbers of a training on purpose records anew and says so in the commit; a change that was not meant is
found here. A build that nothing was recorded of (another compiler, C library or -march) is passed over, and says so.
"""
import json
import pathlib
import subprocess
import sys
import unittest

from program import Program, program

RECORD = pathlib.Path(__file__).parents[1] / "golden" / "signature.json"


def recorded():
    return json.loads(RECORD.read_text(encoding="utf-8"))


def record():
    made = json.loads(subprocess.run([program(), "info", "--signature"], check=True, capture_output=True, text=True).stdout)
    every = recorded() if RECORD.exists() else {}
    # Instruction sets that this processor lacks stay as they were.
    every[made["build"]] = dict(sorted({**every.get(made["build"], {}), **made["signatures"]}.items()))
    RECORD.write_text(json.dumps(dict(sorted(every.items())), indent=1) + "\n", encoding="utf-8")
    print(f"{RECORD}: {made['build']}: {', '.join(made['signatures'])}")


class Signature(Program):
    def test_is_the_recorded_one_on_each_instruction_set(self):
        made = json.loads(self.ok("info", "--signature").out)
        self.assertGreater(len(made["signatures"]), 0)
        known = recorded().get(made["build"])
        if known is None:
            self.skipTest(f"nothing is recorded of '{made['build']}'; signature_test.py --record does")
        for instructions, signature in made["signatures"].items():
            with self.subTest(instructions):
                if instructions not in known:
                    self.skipTest(f"nothing is recorded of {instructions}; signature_test.py --record does")
                self.assertEqual(signature, known[instructions])

    def test_is_the_same_again_whatever_the_threads(self):
        first = self.ok("info", "--signature", env={"OMP_NUM_THREADS": "1"}).out
        self.assertEqual(self.ok("info", "--signature", env={"OMP_NUM_THREADS": "3"}).out, first)

    def test_is_of_the_program_and_no_file(self):
        result = self.sluice("info", "m.safetensors", "--signature")
        self.assertEqual(result.status, 2)
        self.assertIn("--signature is of the program; leave out 'm.safetensors', or --signature", result.err)


if __name__ == "__main__":
    if sys.argv[1:] == ["--record"]:
        record()
    else:
        unittest.main()
