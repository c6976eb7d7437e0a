"""A training on a disk that is full: refused before it begins, or written into the room that it had kept."""
import resource
import subprocess
import unittest

from program import Program, program

# A disk of its own that only the shell and its children see.
DISK = "mkdir disk && mount -t tmpfs -o size={size} none disk && "


class Quota(Program):
    """Files that may not grow (ulimit -f), as where a user has a quota: fallocate says nothing of it."""

    def test_a_training_whose_model_would_be_too_large_a_file_is_refused_before_it_begins(self):
        self.daily("sales.csv", 60)
        small = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
        result = self.sluice("train", "sales.csv", "--hidden_size", "16", "--engine.device", "cpu", "--training.choice", "0",
                             "--training.partners", "none", "--training.steps", "1000000000", before=small)
        self.assertEqual(result.status, 3, result.err)
        self.assertRegex(result.err, r"runs/model.safetensors: may take [0-9,]+ bytes, and this process may write files of 40,000 at "
                                     r"most \(ulimit -f\); allow it more")
        self.assertFalse((self.folder / "runs/model.safetensors").exists())

    def test_whatever_files_may_take_a_command_ends_with_a_result_or_a_sentence(self):
        self.daily("sales.csv", 200)
        few = ("--training.choice", "0", "--training.partners", "none", "--training.steps", "4", "--horizon", "3")
        self.ok("train", "sales.csv", *few)
        for size in (0, 100, 5000):
            small = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            for arguments in (["train", "sales.csv", "--path.model", "m.safetensors", *few], ["forecast"], ["evaluate"],
                              ["forecast", "--path.samples", "s.csv"], ["forecast", "--path.forecast", "f.parquet"],
                              ["simulate", "s.csv"], ["report", "--path.html", "a.html"], ["manual", "--write", "man"]):
                with self.subTest(arguments, size=size):
                    result = self.sluice(*arguments, before=small)
                    self.assertIn(result.status, (0, 3), result.err)
                    if result.status == 3:
                        self.assertRegex(result.err, r"(?m)^sluice: .*; .*")


class FullDisk(Program):
    FLAGS = ["--network.hidden_size", "4", "--engine.threads", "1", "--engine.device", "cpu", "--horizon", "3",
             "--path.model", "disk/model.safetensors", "--training.choice", "0", "--training.partners", "none"]

    def shell(self, script):
        done = subprocess.run(["unshare", "-rm", "sh", "-c", script, program(), *self.FLAGS], cwd=self.folder, text=True,
                              capture_output=True, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr

    def setUp(self):
        super().setUp()
        try:
            status, said = self.shell(DISK.format(size="64k") + "umount disk && rmdir disk")
        except FileNotFoundError:
            self.skipTest("there is no unshare")
        if status != 0:
            self.skipTest(f"no disk can be mounted here: {said}")
        self.daily("sales.csv", 60)

    def test_without_room_for_the_model_a_training_is_refused_before_it_begins(self):
        status, said = self.shell(DISK.format(size="16k") + '"$0" train sales.csv "$@" --training.steps 1000000000')
        self.assertEqual(status, 3, said)
        self.assertIn("disk/model.safetensors: cannot be written (No space left on device); make room", said)

    def test_a_disk_that_others_fill_has_the_room_that_was_kept_for_the_model(self):
        status, said = self.shell(
            DISK.format(size="1m") +
            '{ "$0" train sales.csv "$@" --training.steps 2000 & } && '
            'until grep -q "training windows" runs/log.jsonl 2> /dev/null; do sleep 0.02; done && '
            '! dd if=/dev/zero of=disk/fill bs=1k 2> /dev/null && kill -0 $! && wait $! && "$0" info disk/model.safetensors')
        self.assertEqual(status, 0, said)
        self.assertIn("steps", said)


if __name__ == "__main__":
    unittest.main()
