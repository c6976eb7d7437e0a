"""Training as several processes: the same curve, the same bits a second time, and nothing lost when one ends.

Tolerance of curves: a step's gradient is a sum over its windows, which so many ranks round in so many parts, each to
2^-24 of itself; AdamW divides by the root of the second moment, so a parameter's step is off by about that share of
the learning rate, and what follows goes on from there. Over 40 steps at a learning rate of a thousandth losses were
seen to differ by 1.4e-8 of themselves at most; 1e-6 is asked for. With another's dropout they are 1.7e-5 off.
"""
import json
import os
import signal
import time
import unittest

import job

NEAR = 1e-6


class Train(job.Job):
    def setUp(self):
        super().setUp()
        self.ok("simulate", "sales.csv", "--stores", "1", "--items", "6", "--days", "150")

    def train(self, ranks, name, status=0, **settings):
        return self.run_job(ranks, "train", "sales.csv", "--horizon", "7", "--path.model", f"{name}.safetensors",
                            "--path.log", f"{name}.jsonl", *job.small(**settings), status=status)

    def compare(self, *ranks, **settings):
        """One process and several: the same curve."""
        self.train(1, "alone", **settings)
        curve = self.curve("alone.jsonl")
        self.assertGreaterEqual(len(curve), 4)
        for size in ranks:
            self.train(size, f"of{size}", **settings)
            self.assert_near(self.curve(f"of{size}.jsonl"), curve, NEAR)

    def test_the_curve_is_that_of_one_process(self):
        # 12 windows a step, which 5 ranks do not share evenly.
        self.compare(2, 4, 5, network_layers=2, network_dropout=0.2)

    def test_more_ranks_than_windows_carried_states_and_drawn_pasts(self):
        self.compare(3, training_batch_size=2)
        self.compare(3, training_carry_state="true")
        self.compare(3, network_decoding="recursive", training_loss="negative_binomial", training_sampled_pasts=0.8)

    def test_so_many_ranks_give_the_same_bits_again(self):
        settings = {"training_choice": 4, "training_partners": "auto", "training_final_fit": "true", "training_seeds": 2,
                    "training_steps": 110}
        said = self.train(3, "first", **settings)
        self.assertEqual(said.count("model: first.safetensors"), 1, said)  # by one of them
        self.train(3, "second", **settings)
        self.assertEqual(self.weights("first.safetensors"), self.weights("second.safetensors"))
        self.train(1, "alone", **settings)
        self.assert_near(self.curve("first.jsonl"), self.curve("alone.jsonl"), NEAR)
        # Each fits a part of what simple methods forecast: the same numbers, whoever fitted them.
        fits = self.simple_scores("alone.jsonl")
        self.assertIn("ETS + Theta", fits)
        self.assertEqual(self.simple_scores("first.jsonl"), fits)
        self.ok("forecast", "first.safetensors", "sales.csv", "--path.forecast", "f.csv")

    def simple_scores(self, log):
        """Of the methods beside the candidates, by name."""
        choice = next(event for event in map(json.loads, self.read(log).splitlines()) if event.get("event") == "choice")
        return {row["name"]: row["score"] for row in choice["rows"] if row["what"] == "beside"}

    def wait_for_state(self, process, name):
        state = self.folder / f"{name}.safetensors.state"
        deadline = time.monotonic() + 40
        while not state.exists():
            self.assertIsNone(process.poll(), process.stderr.read() if process.poll() is not None else "")
            self.assertLess(time.monotonic(), deadline, "no checkpoint")
            time.sleep(0.02)
        return state

    def long(self, name):
        """A training that ends when it is ended, with a checkpoint after every epoch."""
        return ("train", "sales.csv", "--horizon", "7", "--path.model", f"{name}.safetensors", "--path.log",
                f"{name}.jsonl", *job.small(training_steps=2000000, training_checkpoint_seconds=0))

    def resumed(self, ranks, name):
        """What a resumed training comes to, which is ended by a signal."""
        process = self.start(ranks, *self.long(name), "--mode.resume", "true")
        self.addCleanup(process.kill)
        before = os.stat(self.folder / f"{name}.safetensors.state").st_mtime_ns
        deadline = time.monotonic() + 40
        while os.stat(self.folder / f"{name}.safetensors.state").st_mtime_ns == before:
            self.assertLess(time.monotonic(), deadline, "no further checkpoint")
            time.sleep(0.02)
        process.terminate()
        out, err = process.communicate(timeout=30)
        self.assertIn("resuming", err)
        self.assertIn("interrupted; go on", err)

    def test_a_killed_rank_ends_all_within_seconds_and_any_number_goes_on(self):
        process = self.start(3, *self.long("lost"))
        self.addCleanup(process.kill)
        self.wait_for_state(process, "lost")
        ranks = job.ranks_of(process)
        self.assertEqual(len(ranks), 3)
        killed = time.monotonic()
        os.kill(ranks[1], signal.SIGKILL)
        out, err = process.communicate(timeout=30)
        self.assertLess(time.monotonic() - killed, 20)
        self.assertNotEqual(process.returncode, 0)
        self.assertIn("exited on signal 9", err)  # mpirun's words
        self.assertFalse((self.folder / "lost.safetensors").exists())
        self.assertEqual([pid for pid in ranks if os.path.exists(f"/proc/{pid}/exe")], [])
        self.resumed(1, "lost")
        self.resumed(2, "lost")

    def test_a_signal_to_mpirun_leaves_state_and_model(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            name = f"ended{number}"
            process = self.start(2, *self.long(name))
            self.addCleanup(process.kill)
            self.wait_for_state(process, name)
            process.send_signal(number)
            out, err = process.communicate(timeout=30)
            self.assertNotEqual(process.returncode, 0)
            self.assertIn("interrupted; go on", err)
            self.assertTrue((self.folder / f"{name}.safetensors").exists())
        self.resumed(3, name)

    def test_a_rank_with_other_files_or_an_error_of_its_own_ends_all(self):
        (self.folder / "elsewhere").mkdir()
        self.ok("simulate", "elsewhere/sales.csv", "--stores", "1", "--items", "6", "--days", "151")
        (self.folder / "nowhere").mkdir()
        mine = [job.program.program(), "train", "sales.csv", "--horizon", "7", *job.small()]
        for folder, more, words in (("elsewhere", [], "its data are not those of the first process"),
                                    (".", ["--training.seed", "2"], "its settings are not those"),
                                    ("nowhere", [], "sales.csv")):
            command = [*self.mpirun(1), *mine, ":", "-n", "1", "-wdir", str(self.folder / folder), *mine, *more]
            process = job.subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(process.returncode, 3, process.stderr)
            self.assertIn("process 2 of 2, on ", process.stderr)
            self.assertIn(words, process.stderr)
            self.assertFalse((self.folder / "runs" / "model.safetensors").exists())

    def test_an_error_of_all_is_said_once(self):
        said = self.train(3, "none", training_steps="x", status=2)
        self.assertEqual(said.count("sluice: "), 1, said)

    def test_parallel_seeds_are_refused(self):
        said = self.train(2, "none", training_seeds=2, training_parallel_seeds=2, status=2)
        self.assertIn("training.parallel_seeds = 2: on several processes", said)

    def test_time_limits_end_all_ranks_alike(self):
        self.train(3, "timed", training_steps=0, training_max_seconds=2, training_final_fit="true",
                   training_partners="auto", training_seeds=2)
        self.assertGreater(len(self.curve("timed.jsonl")), 2)


if __name__ == "__main__":
    unittest.main()
