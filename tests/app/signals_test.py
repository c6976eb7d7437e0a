"""What a signal, or a reader that goes away, leaves: the work that was done."""
import fcntl
import json
import os
import re
import signal
import struct
import subprocess
import termios
import time
import unittest

from program import Program, program

LONG = ("--training.epochs", "1000000", "--training.steps", "0", "--training.patience", "0", "--network.hidden_size", "4",
        "--engine.threads", "1", "--engine.device", "cpu", "--mode.log_file", "false")


class Signals(Program):
    def start(self, *arguments, ignored=(), **options):
        def before():
            for number in (signal.SIGPIPE, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)
        return subprocess.Popen([program(), *arguments], cwd=self.folder, stdin=subprocess.DEVNULL, preexec_fn=before,
                                **{"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, **options})

    def until_it_trains(self, running):
        for line in running.stderr:
            if b" win/s" in line:
                return
        self.fail("it ended before it trained")

    def test_a_closed_terminal_leaves_the_state_of_the_training(self):
        self.daily("sales.csv", 60)
        running = self.start("train", "sales.csv", "--path.model", "m.safetensors", *LONG)
        self.until_it_trains(running)
        running.send_signal(signal.SIGHUP)
        running.send_signal(signal.SIGHUP)  # the shell's, after the terminal's
        self.assertIn(b"go on: sluice train", running.communicate(timeout=60)[1])
        self.assertEqual(running.returncode, 130)
        self.assertTrue((self.folder / "m.safetensors.state").exists())

    def test_a_signal_sent_twice_at_once_is_one(self):
        # As timeout(1) sends it: to the program, and to its group.
        self.daily("sales.csv", 60)
        running = self.start("train", "sales.csv", "--path.model", "m.safetensors", *LONG)
        self.until_it_trains(running)
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
            running.send_signal(number)
        self.assertIn(b"go on: sluice train", running.communicate(timeout=60)[1])
        self.assertEqual(running.returncode, 130)

    def test_under_nohup_a_training_outlives_the_terminal(self):
        self.daily("sales.csv", 60)
        running = self.start("train", "sales.csv", "--path.model", "m.safetensors", *LONG, ignored=(signal.SIGHUP,))
        self.until_it_trains(running)
        running.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        self.assertIsNone(running.poll())
        running.terminate()
        running.communicate(timeout=60)
        self.assertEqual(running.returncode, 130)

    def test_a_training_goes_on_where_nobody_reads_its_progress(self):
        self.daily("sales.csv", 60)
        running = self.start("train", "sales.csv", "--path.model", "m.safetensors", "--training.steps", "20",
                             "--network.hidden_size", "4", "--engine.device", "cpu")
        running.stderr.close()
        self.assertEqual(running.wait(timeout=60), 0)
        self.ok("info", "m.safetensors")

    def test_results_are_written_also_where_nobody_reads_the_table(self):
        self.daily("sales.csv", 120)
        self.train("sales.csv", "--data.test", "14", "--path.model", "m.safetensors")
        running = self.start("evaluate", "m.safetensors", "--path.report", "r.json", "--path.scores", "s.csv",
                             "--mode.figures", "false", stdout=subprocess.PIPE)
        running.stdout.close()
        said = running.communicate(timeout=60)[1]
        self.assertEqual(running.returncode, -signal.SIGPIPE, said)
        self.assertEqual(json.loads(self.read("r.json"))["horizon"], 14)
        self.assertIn("sluice", self.read("s.csv"))

    def test_a_reader_that_goes_away_is_an_error_for_who_ignores_the_signal(self):
        running = self.start("explain", "--markdown", stdout=subprocess.PIPE, ignored=(signal.SIGPIPE,))
        running.stdout.close()
        said = running.communicate(timeout=60)[1]
        self.assertEqual(running.returncode, 3)
        self.assertIn(b"standard output: cannot be written (Broken pipe)", said)

    def test_a_signal_a_second_later_ends_it(self):
        running, _ = self.in_writing_its_model()
        running.terminate()
        time.sleep(1.2)
        self.assertIsNone(running.poll())
        running.terminate()
        running.communicate(timeout=60)
        self.assertEqual(running.returncode, -signal.SIGTERM)

    def in_writing_its_model(self):
        """A training whose model's writing waits for the pipe's reader, and that pipe."""
        self.daily("sales.csv", 60)
        os.mkfifo(self.folder / "m")  # a model's file whose writing waits for this reader
        pipe = os.open(self.folder / "m", os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, pipe)
        fcntl.fcntl(pipe, 1031, 4096)  # F_SETPIPE_SZ: less than a model
        running = self.start("train", "sales.csv", "--path.model", "m", "--training.steps", "3", "--network.hidden_size", "32",
                             "--engine.device", "cpu", "--mode.log_file", "false")
        waiting = 0
        while waiting == 0 and running.poll() is None:
            time.sleep(0.01)
            waiting = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"    "))[0]
        return running, pipe

    def test_a_signal_while_the_finished_model_is_written_does_not_lose_it(self):
        running, pipe = self.in_writing_its_model()
        running.terminate()
        time.sleep(0.2)
        os.set_blocking(pipe, True)
        model = b"".join(iter(lambda: os.read(pipe, 65536), b""))
        said = running.communicate(timeout=60)[1]
        self.assertEqual(running.returncode, 0, said)
        self.write("whole.safetensors", model)
        self.assertTrue(re.search(r"hidden_size = 32", self.ok("info", "whole.safetensors").out))


if __name__ == "__main__":
    unittest.main()
