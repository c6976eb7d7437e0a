"""A search over settings: the whole program, on small trainings."""
import json
import re
import resource
import signal
import subprocess
import unittest

from program import Program, program

SMALL = ("--training.steps", "60", "--training.choice", "0", "--network.hidden_size", "4", "--network.time_step", "14",
         "--horizon", "7", "--engine.threads", "1", "--engine.device", "cpu", "--mode.log_file", "false",
         "--tune.factor", "2", "--tune.rungs", "2")
SPACE = "[tune.space]\ntraining.learning_rate = {min = 1e-4, max = 3e-2, log = true}\nnetwork.layers = [1, 2]\n"


class Tune(Program):
    def setUp(self):
        super().setUp()
        rows = ["unique_id,ds,y"]
        for series in range(3):
            start = self.daily("one.csv", 120, value=lambda day, s=series: 20 * (s + 1) + (3 * day + s) % 7 + day % 5)
            rows += [f"s{series},{row}" for row in start.read_text().splitlines()[1:]]
        self.write("sales.csv", "\n".join(rows) + "\n")
        self.write("space.toml", SPACE)

    def tune(self, *arguments, **options):
        return self.ok("tune", "space.toml", "sales.csv", *with_last((*SMALL, "--trials", "6"), arguments), **options)

    def start(self, *arguments):
        running = subprocess.Popen([program(), "tune", "space.toml", "sales.csv", *with_last(SMALL, arguments)],
                                   cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(running.stderr.close)
        return running

    def runs(self, name="runs/tuned.toml.journal"):
        """What the journal has of each training, but for its seconds and their order."""
        lines = [json.loads(line) for line in self.read(name).splitlines()[1:]]
        for line in lines:
            del line["seconds"]
        return sorted(lines, key=lambda line: (line["trial"], line["rung"]))

    def test_its_result_trains_as_it_is(self):
        said = self.tune()
        self.assertIn("next: sluice train runs/tuned.toml", said.err)
        self.assertRegex(said.out, r"(?m)^ *\d+ +60 .*<-$")
        self.assertIn("seasonal naive (7)", said.out)
        self.assertTrue(all(len(line) <= 80 for line in said.out.splitlines()), said.out)
        text = self.read("runs/tuned.toml")
        self.assertTrue(text.startswith("# Found by sluice tune: trial "))
        self.assertIn("# Data: 3 series, checksum ", text)
        self.ok("train", "runs/tuned.toml")
        best = re.search(r"learning_rate = (\S+)", text)
        if best:  # the winner need not be a drawn one
            self.assertIn(f"learning_rate = {best[1]}", self.ok("info", "runs/model.safetensors").out)

    def test_two_jobs_make_the_trials_of_one(self):
        self.tune("--path.tuned", "one.toml")
        self.tune("--path.tuned", "two.toml", "--jobs", "2", "--engine.threads", "2")
        self.assertEqual(self.runs("two.toml.journal"), self.runs("one.toml.journal"))
        cut = [line for line in self.read("two.toml").splitlines() if "sluice train" not in line and "threads" not in line]
        self.assertEqual(cut, [line for line in self.read("one.toml").splitlines()
                               if "sluice train" not in line and "threads" not in line])

    def test_a_file_that_a_link_leads_to_has_one_journal(self):
        (self.folder / "there").mkdir()
        (self.folder / "link.toml").symlink_to("there/one.toml")
        self.tune("--path.tuned", "link.toml", "--trials", "1")
        self.assertEqual({path.name for path in (self.folder / "there").iterdir()}, {"one.toml", "one.toml.journal"})
        self.assertFalse((self.folder / "link.toml.journal").exists())

    def test_killed_at_any_time_it_goes_on_to_the_same_result(self):
        self.tune("--path.tuned", "whole.toml")
        whole = self.runs("whole.toml.journal")
        for after in (1, 3):
            running = self.start("--trials", "6")
            ended = 0
            while ended < after:
                ended += b"trial " in running.stderr.readline()
            running.kill()
            running.communicate()
        said = self.tune()
        self.assertIn("going on with runs/tuned.toml.journal", said.err)
        self.assertEqual(self.runs(), whole)
        self.assertEqual(self.read("runs/tuned.toml").replace("runs/tuned", "whole"), self.read("whole.toml"))

    def test_where_the_disk_is_full_the_trials_before_are_kept_and_the_same_command_goes_on(self):
        self.tune("--path.tuned", "whole.toml")
        lines = self.read("whole.toml.journal").splitlines(keepends=True)
        size = len("".join(lines[:3])) + 5  # two trials and the beginning of a third
        full = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        for done in (None, 2):
            result = self.sluice("tune", "space.toml", "sales.csv", *with_last(SMALL, ("--trials", "6")), before=full)
            self.assertEqual(result.status, 3, result.err)
            self.assertIn("runs/tuned.toml.journal: cannot be written (File too large); the trials before are in it: make room, "
                          "and the same command goes on after them", result.err)
            self.assertEqual(f"going on with runs/tuned.toml.journal: {done} trainings are done" in result.err, done is not None)
        self.assertIn("going on with runs/tuned.toml.journal: 2 trainings are done", self.tune().err)
        self.assertEqual(self.runs(), self.runs("whole.toml.journal"))

    def test_without_room_for_the_result_it_is_written_from_the_journal_by_the_same_command(self):
        (self.folder / "runs").mkdir()
        self.tune()
        whole = self.read("runs/tuned.toml")
        self.assertGreater(len(whole), 200)
        (self.folder / "runs/tuned.toml").unlink()
        full = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        result = self.sluice("tune", "space.toml", "sales.csv", *with_last(SMALL, ("--trials", "6")), before=full)
        self.assertEqual(result.status, 3, result.err)
        self.assertIn("All trials are in runs/tuned.toml.journal", " ".join(result.err.split()))
        self.tune()
        self.assertEqual(self.read("runs/tuned.toml"), whole)

    def test_a_signal_leaves_the_journal_and_the_status_of_a_training(self):
        running = self.start("--training.steps", "1000000", "--trials", "30")
        while b"trials on" not in running.stderr.readline():
            self.assertIsNone(running.poll())
        running.send_signal(signal.SIGTERM)
        said = running.communicate(timeout=60)[1].decode()
        self.assertEqual(running.returncode, 130, said)
        self.assertIn("interrupted; go on: sluice tune space.toml sales.csv", said)
        self.assertTrue(json.loads(self.read("runs/tuned.toml.journal").splitlines()[0])["sluice_tune"])

    def test_another_space_setting_or_data_is_refused_by_name(self):
        self.tune()
        self.write("space.toml", SPACE.replace("[1, 2]", "[1, 2, 3]"))
        refused = self.sluice("tune", "space.toml", "sales.csv", *SMALL)
        self.assertEqual(refused.status, 2)
        self.assertIn("it is of another space: network.layers was [1, 2], and is [1, 2, 3]", refused.err)
        self.write("space.toml", SPACE)
        refused = self.sluice("tune", "space.toml", "sales.csv", *SMALL, "--training.batch_size", "8")
        self.assertEqual(refused.status, 2)
        self.assertIn("it is of other settings: training.batch_size was 64, and is 8", refused.err)
        self.write("sales.csv", self.read("sales.csv").replace("s0,2024-01-09,", "s0,2024-01-09,1"))
        refused = self.sluice("tune", "space.toml", "sales.csv", *SMALL)
        self.assertEqual(refused.status, 3)
        self.assertIn("it is of other data", refused.err)

    def test_the_test_part_is_not_read(self):
        self.tune("--data.test", "14", "--path.tuned", "a.toml")
        lines = self.read("sales.csv").splitlines()
        changed = [line if i == 0 or (i - 1) % 120 < 106 else line.rsplit(",", 1)[0] + ",7" for i, line in enumerate(lines)]
        self.write("sales.csv", "\n".join(changed) + "\n")
        self.tune("--data.test", "14", "--path.tuned", "b.toml")
        self.assertEqual(self.runs("b.toml.journal"), self.runs("a.toml.journal"))

    def test_what_cannot_be_searched_is_said_before_anything_is_computed(self):
        for arguments, status, message in (
                (("--training.loss", "mae", "--tune.measure", "wql"), 2, "has no quantiles, which tune.measure"),
                (("--training.steps", "0", "--training.max_seconds", "5"), 2, "set training.steps or training.epochs"),
                (("--data.valid", "0"), 2, "data.valid = 0 leaves nothing to score trials on"),
                (("--tune.folds", "20"), 3, "no series is long enough for fold"),
                (("--training.init_from", "m"), 2, "a trial begins with random weights"),
                (("--tune.trials", "0"), 2, "--tune.trials must be an integer from 1 to 100000, got 0"),
                (("--path.tuned", "space.toml"), 2, "would replace the file of settings")):
            said = self.sluice("tune", "space.toml", "sales.csv", *with_last(SMALL, arguments))
            self.assertEqual((said.status, message in said.err), (status, True), said.err)
        self.assertFalse((self.folder / "runs/tuned.toml.journal").exists())

    def test_without_a_space_it_searches_the_usual_settings(self):
        said = self.ok("tune", "sales.csv", *SMALL, "--trials", "2")
        self.assertIn("searching the default space: network.hidden_size [", said.err)

    def test_folds_and_measures_are_scored(self):
        self.tune("--tune.folds", "2", "--tune.measure", "wql")
        self.assertIn("wQL", self.read("runs/tuned.toml"))
        self.assertTrue(all(run["score"] == run["wql"] for run in self.runs()))

    def test_seconds_that_are_over_leave_what_was_done(self):
        said = self.tune("--tune.seconds", "0.001")
        self.assertIn("tune.seconds (0.001) are over", said.err)
        self.assertEqual([run["trial"] for run in self.runs()], [0])
        self.ok("train", "runs/tuned.toml")


def with_last(settings, more):
    """`settings` with those of `more` in their place: a flag may not stand twice."""
    kept = [pair for pair in zip(settings[::2], settings[1::2]) if pair[0] not in more[::2]]
    return [word for pair in kept for word in pair] + list(more)


if __name__ == "__main__":
    unittest.main()
