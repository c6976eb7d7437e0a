"""A forecast as several processes: each writes parts of one directory, the same files as one process."""
import os
import signal
import subprocess
import time
import unittest

import job


class Forecast(job.Job):
    SERIES = 60

    def setUp(self):
        super().setUp()
        self.ok("simulate", "sales.csv", "--stores", "1", "--items", self.SERIES, "--days", "120")
        self.ok("train", "sales.csv", "--horizon", "7", "--path.model", "m.safetensors", *job.small(training_steps=5))

    def forecast(self, ranks, directory, *more, status=0):
        return self.run_job(ranks, *self.arguments(directory, *more), status=status)

    def arguments(self, directory, *more):
        return ("forecast", "m.safetensors", "sales.csv", "--path.forecast", directory, "--forecast.part_series", 7,
                "--engine.threads", 1, "--engine.device", "cpu", "--mode.log_file", "false", *more)

    def files(self, directory):
        return {path.name: path.read_bytes() for path in (self.folder / directory).iterdir()}

    def test_the_parts_are_those_of_one_process(self):
        self.forecast(1, "one/")
        whole = self.files("one")
        self.assertEqual(len(whole), 9 + 2)  # parts, plan and manifest
        for ranks in (2, 4, 12):  # more than there are parts
            said = self.forecast(ranks, f"of{ranks}/")
            self.assertEqual(self.files(f"of{ranks}"), whole)
            self.assertEqual(said.count("(60 series, 7 steps, 9 parts)"), 1, said)
        self.assertIn("all of which were there", self.forecast(3, "one/"))
        # What is missing is made, by any number.
        for name in ("part-00000.parquet", "part-00004.parquet", "part-00005.parquet"):
            (self.folder / "one" / name).unlink()
        self.assertIn("6 of 9 parts of this forecast are there", self.forecast(2, "one/"))
        self.assertEqual(self.files("one"), whole)

    def test_one_file_and_a_directory_of_another_forecast_are_refused(self):
        said = self.forecast(3, "f.parquet", status=2)
        self.assertEqual(said.count('path.forecast = "f.parquet" is one file'), 1, said)
        self.assertIn("--path.forecast forecasts/", said)
        self.assertFalse((self.folder / "f.parquet").exists())
        self.forecast(1, "one/")
        before = self.files("one")
        said = self.forecast(2, "one/", "--forecast.levels", "50", status=2)
        self.assertIn("forecast.levels", said)
        self.assertEqual(self.files("one"), before)

    def test_an_error_of_one_says_whose_it_is_and_that_the_rest_is_not_lost(self):
        mine = [job.program.program(), *map(str, self.arguments("full/"))]
        limited = ["bash", "-c", 'ulimit -f 1 && exec "$@"', "bash", *mine]
        command = [*self.mpirun(1), *mine, ":", "-n", "1", *limited]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertRegex(done.stderr, r"process 2 of 2, on \S+: full/part-00001\.parquet: .*File too large.*; the parts that are "
                                      "there stay, and the same command goes on")
        self.assertFalse((self.folder / "full" / "_manifest.json").exists())
        self.forecast(2, "full/")
        self.forecast(1, "one/")
        self.assertEqual(self.files("full"), self.files("one"))

    def test_a_killed_rank_ends_all_and_the_rest_is_made_later(self):
        arguments = [*self.arguments("lost/")]
        arguments[arguments.index("--forecast.part_series") + 1] = 1
        process = self.start(2, *arguments)
        self.addCleanup(process.kill)
        deadline = time.monotonic() + 40
        while not (self.folder / "lost" / "part-00002.parquet").exists():
            self.assertLess(time.monotonic(), deadline, "no part")
            time.sleep(0.001)
        os.kill(job.ranks_of(process)[1], signal.SIGKILL)
        out, err = process.communicate(timeout=30)
        self.assertNotEqual(process.returncode, 0, err)
        self.assertIn("exited on signal 9", err)
        self.assertFalse((self.folder / "lost" / "_manifest.json").exists(), "it was too fast to be ended")
        said = self.run_job(3, *arguments)
        self.assertIn("parts of this forecast are there", said)
        arguments[arguments.index("lost/")] = "undisturbed/"
        self.run_job(1, *arguments)
        self.assertEqual(self.files("lost"), self.files("undisturbed"))


if __name__ == "__main__":
    unittest.main()
