"""One path that two trainings want, that was left by a killed one, or that nobody may write."""
import re
import signal
import subprocess
import time
import unittest

from program import Program, program

LONG = ("--training.epochs", "1000000", "--training.steps", "0", "--training.patience", "0", "--network.hidden_size", "4",
        "--training.choice", "0", "--training.partners", "none", "--engine.threads", "1", "--engine.device", "cpu")


class OnePath(Program):
    def start(self, *arguments):
        """A training that goes on until it is ended, and holds its path."""
        running = subprocess.Popen([program(), "train", "sales.csv", *LONG, *arguments], cwd=self.folder,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(running.wait)
        self.addCleanup(running.kill)
        lock = self.folder / "runs/model.safetensors.lock"
        until = time.monotonic() + 60
        while not (lock.exists() and lock.read_text()) and time.monotonic() < until:
            time.sleep(0.02)
        self.assertEqual(lock.read_text(), f"{running.pid}\n")
        return running

    def test_a_second_training_is_refused_with_the_process_of_the_first(self):
        self.daily("sales.csv", 60)
        first = self.start()
        second = self.sluice("train", "sales.csv", *LONG, "--mode.log_file", "false")
        self.assertEqual(second.status, 3)
        self.assertIn(f"runs/model.safetensors: process {first.pid} is training into this path; wait for it, or choose another "
                      "path.model", second.err)
        self.assertIsNone(first.poll())

    def test_a_killed_trainings_lock_holds_nobody_up_and_is_gone_after_the_next(self):
        self.daily("sales.csv", 60)
        first = self.start()
        first.send_signal(signal.SIGKILL)
        first.wait()
        self.assertTrue((self.folder / "runs/model.safetensors.lock").exists())
        self.train("sales.csv")
        self.assertEqual(sorted(path.name for path in (self.folder / "runs").iterdir()), ["log.jsonl", "model.safetensors"])

    def test_a_resume_with_other_settings_names_each_key_with_both_values(self):
        self.daily("sales.csv", 60)
        first = self.start("--training.checkpoint_seconds", "0")
        until = time.monotonic() + 60
        while not (self.folder / "runs/model.safetensors.state").exists() and time.monotonic() < until:
            time.sleep(0.02)
        first.terminate()
        first.wait(timeout=60)
        result = self.sluice("train", "sales.csv", *LONG, "--mode.resume", "true", "--learning_rate", "0.5", "--training.batch_size", "7")
        self.assertEqual(result.status, 2, result.err)
        self.assertRegex(result.err, r"model\.safetensors\.state: it was saved with other settings: training\.batch_size was \d+ and "
                                     r"is 7, training\.learning_rate was [0-9.e-]+ and is 0\.5; give these as they were, or train "
                                     r"without the state \(mode\.resume = false\)")

    def test_a_folder_that_nobody_may_write_is_named_before_anything_is_done(self):
        self.daily("sales.csv", 60)
        script = ("mkdir disk && mount -t tmpfs -o size=64k none disk && mount -o remount,ro disk && "
                  '"$0" train sales.csv "$@" --path.model disk/m.safetensors')
        try:
            done = subprocess.run(["unshare", "-rm", "sh", "-c", script, program(), *LONG], cwd=self.folder, text=True,
                                  capture_output=True, timeout=60, check=False)
        except FileNotFoundError:
            self.skipTest("there is no unshare")
        if re.search("unshare|mount", done.stderr):
            self.skipTest(f"no disk can be mounted here: {done.stderr}")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("disk/m.safetensors: cannot be written (Read-only file system); make room or choose another path.model",
                      done.stderr)

    def test_data_that_vanish_are_named(self):
        self.daily("sales.csv", 60)
        self.train("sales.csv")
        (self.folder / "sales.csv").unlink()
        for command in ("forecast", "evaluate"):
            result = self.sluice(command)
            self.assertEqual(result.status, 3)
            self.assertRegex(result.err, r"sluice: .*sales\.csv: no such file; check path\.data and the working directory")


if __name__ == "__main__":
    unittest.main()
