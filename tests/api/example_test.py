"""The example of docs/deploy.md, compiled as C: it trains, forecasts, and fails with a sentence."""
import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).parents[2]
EXAMPLE = os.environ["SLUICE_C_EXAMPLE"]
PROGRAM = os.environ["SLUICE_PROGRAM"]


class Example(unittest.TestCase):
    def test_forecasts_a_week_with_its_peak(self):
        with tempfile.TemporaryDirectory() as folder:
            data = pathlib.Path(folder) / "sales.csv"
            subprocess.run([PROGRAM, "simulate", data, "--stores", "2", "--items", "5", "--days", "200"],
                           check=True, capture_output=True)
            done = subprocess.run([EXAMPLE, data], capture_output=True, text=True, cwd=folder)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stderr, "")
            lines = done.stdout.splitlines()
            self.assertEqual([line.split(":")[0] for line in lines], [f"day {k}" for k in range(1, 8)])
            medians = [float(line.split("0.5: ")[1].split()[0]) for line in lines]
            self.assertEqual(max(range(7), key=medians.__getitem__), 5)  # a Saturday
            self.assertEqual(sorted(os.listdir(folder)), ["sales.csv", "sales.future.csv"])

    def test_is_on_the_page_as_it_is(self):
        page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
        self.assertIn("```c\n" + (ROOT / "examples/c/forecast.c").read_text() + "```\n", page)

    def test_says_what_the_program_says(self):
        done = subprocess.run([EXAMPLE, "no.csv"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 3)
        self.assertTrue(done.stderr.startswith("forecast: no.csv: no such file"), done.stderr)


if __name__ == "__main__":
    unittest.main()
