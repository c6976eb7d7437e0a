"""Little memory, few threads, and files that would take more than they may: a sentence and its status, never an abort."""
import gzip
import resource
import unittest

from program import Program

MEGABYTE = 1 << 20


def address_space(megabytes):
    def before():
        resource.setrlimit(resource.RLIMIT_AS, (megabytes * MEGABYTE,) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return before


class Limits(Program):
    def setUp(self):
        super().setUp()
        if self.sluice("--version", before=address_space(700)).status != 0:
            self.skipTest("a sanitizer takes more address space than this")

    def assert_a_result_or_a_sentence(self, result):
        self.assertIn(result.status, (0, 3, 4), result.err)
        if result.status != 0:
            self.assertRegex(result.err.splitlines()[-1], r"^sluice: .*(memory|thread).*; .*", result.err)

    def test_the_program_needs_no_library_of_a_device_to_check_a_file(self):
        self.daily("sales.csv", 60)
        self.assertEqual(self.sluice("check", "sales.csv", before=address_space(450)).status, 0)

    def test_whatever_memory_there_is_a_command_ends_with_a_result_or_a_sentence(self):
        self.daily("sales.csv", 400)
        self.train("--path.data", "sales.csv", "--data.test", "14")
        for megabytes in (140, 150, 160, 180, 200, 250, 300):
            # Before main the loader (127) or a constructor of Arrow's libraries (an abort) has no room: nothing of ours runs.
            if self.sluice("--version", before=address_space(megabytes)).status in (127, -6):
                continue
            for arguments in (["check", "sales.csv"], ["forecast", "runs/model.safetensors", "sales.csv", "--engine.device", "cpu"]):
                result = self.sluice(*arguments, before=address_space(megabytes))
                with self.subTest(arguments, megabytes=megabytes):
                    self.assert_a_result_or_a_sentence(result)

    def test_threads_that_cannot_be_started_are_an_error_that_says_how_many_can(self):
        self.daily("sales.csv", 400)
        result = self.sluice("train", "--path.data", "sales.csv", "--engine.threads", "1000", "--engine.device", "cpu",
                             before=address_space(500))
        self.assertEqual(result.status, 4, result.err)
        self.assertRegex(result.err, r"sluice: only \d+ of 1000 threads can be started \(.*\); allow more .*, or set engine.threads = \d+")

    def test_a_small_file_that_unpacks_to_a_large_one_is_refused_by_the_limit(self):
        rows = b"ds,y\n" + b"2024-01-01,1\n" * 200_000
        self.write("bomb.csv.gz", gzip.compress(rows))
        result = self.sluice("check", "bomb.csv.gz", "--data.max_bytes", "1000000")
        self.assertEqual(result.status, 3)
        self.assertIn("bomb.csv.gz: it holds more than the 1.0 MB that data.max_bytes allows; set it higher", result.err)


if __name__ == "__main__":
    unittest.main()
