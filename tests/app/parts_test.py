"""A forecast written in parts: what an end at any time leaves, and what the same command makes of it."""
import datetime
import json
import signal
import subprocess
import time
import unittest

from program import Program, program

DISK = "mkdir disk && mount -t tmpfs -o size={size} none disk && "


class Parts(Program):
    SERIES = 200

    def setUp(self):
        super().setUp()
        first = datetime.date(2024, 1, 1)
        self.write("a.csv", "unique_id,ds,y\n" + "".join(
            f"s{s},{first + datetime.timedelta(t)},{10 + s % 7 + t % 7}\n" for s in range(self.SERIES) for t in range(40)))
        self.train("a.csv", "--path.model", "m.safetensors", "--horizon", "3", "--training.choice", "0",
                   "--training.partners", "none", "--training.calibration", "none")

    def arguments(self, directory, *more, each=1):
        return ("forecast", "m.safetensors", "a.csv", "--path.forecast", directory, "--forecast.part_series", each,
                "--engine.threads", "1", "--engine.device", "cpu", "--mode.log_file", "false", *more)

    def files(self, directory):
        return {path.name: path.read_bytes() for path in (self.folder / directory).iterdir()}

    def ended_by(self, number, directory):
        """The program, ended by a signal when some parts are there: its status and what it said."""
        running = subprocess.Popen([program(), *map(str, self.arguments(directory))], cwd=self.folder, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        while running.poll() is None and not (self.folder / directory / "part-00003.parquet").exists():
            time.sleep(0.001)
        running.send_signal(number)
        said = running.communicate(timeout=60)[1]
        self.assertFalse((self.folder / directory / "_manifest.json").exists(), "it was too fast to be ended")
        self.assertLess(len(self.files(directory)), self.SERIES)
        return running.returncode, said

    def test_a_forecast_that_is_ended_goes_on_to_the_same_bytes(self):
        self.ok(*self.arguments("whole/"))
        whole = self.files("whole")
        self.assertEqual(len(whole), self.SERIES + 2)
        for number, status in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 130)):
            directory = f"ended{int(number)}/"
            with self.subTest(number):
                ended, said = self.ended_by(number, directory)
                self.assertEqual(ended, status, said)
                if number == signal.SIGTERM:
                    self.assertIn(f"go on: sluice forecast m.safetensors a.csv --path.forecast {directory}", said)
                again = self.ok(*self.arguments(directory))
                self.assertRegex(again.err, rf"{directory}: \d+ of 200 parts of this forecast are there; going on with part-")
                self.assertEqual(self.files(directory), whole)  # no lock and nothing half-written is left
                self.assertIn("all of which were there", self.ok(*self.arguments(directory)).err)

    def test_the_parts_are_data_that_the_program_reads(self):
        self.ok(*self.arguments("out/", each=150))
        self.assertEqual(sorted(self.files("out")), ["_manifest.json", "_plan.json", "part-00000.parquet", "part-00001.parquet"])
        self.assertEqual(json.loads(self.read("out/_manifest.json"))["rows"], 3 * self.SERIES)
        self.assertRegex(self.ok("check", "out/", "--data.targets", "sluice").out, r"series +200\n")

    def test_what_cannot_be_is_said_before_anything_is_written(self):
        self.write("mine/notes.txt", "mine")
        result = self.sluice(*self.arguments("mine/"))
        self.assertEqual(result.status, 3, result.err)
        self.assertIn("mine/notes.txt: is no file of a forecast, and nothing is written beside it", result.err)
        self.assertEqual(list(self.files("mine")), ["notes.txt"])
        result = self.sluice(*self.arguments("mine"))
        self.assertEqual(result.status, 3, result.err)
        self.assertIn("mine: is a directory; write it as mine/ to have the forecasts there", result.err)
        result = self.sluice(*self.arguments("out/", "--path.samples", "s.csv"))
        self.assertEqual(result.status, 2, result.err)
        self.assertIn("path.forecast = out/ is a directory, whose files are written one after the other, and path.samples is "
                      "of all series at once; leave it out, or write one file (--path.forecast out.parquet)", result.err)
        self.assertFalse((self.folder / "out").exists())
        result = self.sluice(*self.arguments("a.csv/"))
        self.assertEqual(result.status, 3, result.err)
        self.assertRegex(result.err, "(?m)^sluice: a.csv/.*(directory|path.forecast)")

    def test_keys_of_parts_have_no_effect_on_one_file(self):
        said = self.ok(*self.arguments("f.csv", "--forecast.replace", "true")).err
        self.assertIn("forecast.part_series has no effect where path.forecast is one file", said)
        self.assertIn("forecast.replace has no effect where path.forecast is one file", said)

    def test_a_disk_that_was_full_is_gone_on_with(self):
        script = (DISK.format(size="{size}") + '"$0" "$@"; echo status $?; ls disk/out | wc -l; '
                  'mount -o remount,size=10m disk && "$0" "$@" && cp -r disk/out copy')
        try:
            done = subprocess.run(["unshare", "-rm", "sh", "-c", script.replace("{size}", "200k"), program(),
                                   *map(str, self.arguments("disk/out/"))], cwd=self.folder, text=True, capture_output=True, timeout=60,
                                  check=False)
        except FileNotFoundError:
            self.skipTest("there is no unshare")
        if "mount" in done.stderr and "denied" in done.stderr:
            self.skipTest(f"no disk can be mounted here: {done.stderr}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("status 3", done.stdout)
        self.assertRegex(done.stderr, r"sluice: disk/out/part-\d+.parquet: .*No space left on device.*; the parts that are there "
                                      r"stay, and the same command goes on")
        self.assertIn("parts of this forecast are there; going on with part-", done.stderr)
        self.ok(*self.arguments("whole/"))
        self.assertEqual(self.files("copy"), self.files("whole"))


if __name__ == "__main__":
    unittest.main()
