"""Some of the calls that fail, at which the program is killed, or get a signal; `scripts/faults` takes all of them."""
import unittest

from cases import CASES, mpirun
from sweep import sweep

FEW = ("train", "seeds", "incremental", "carried", "forecast", "evaluate", "tune_on", "convert_again", "renew_train", "parts", "parts_replace")
ALONE = [name for name, case in CASES.items() if case.ranks == 1]


class Calls(unittest.TestCase):
    def assert_holds(self, kind, some, reached, cases=FEW):
        """`reached`: statuses of which there must be one, or the faults were none."""
        statuses = set()
        for name in cases:
            with self.subTest(case=name):
                count, ended, finds = sweep(kind, name, some=some)
                self.assertEqual(finds, [])
                self.assertEqual(count, some)
                statuses |= set(ended)
        self.assertTrue(statuses & reached, statuses)

    def test_a_call_that_fails_is_an_error_with_its_cause_or_changes_nothing(self):
        self.assert_holds("io", 2, {3}, ALONE)

    def test_killed_at_a_call_the_next_run_has_the_undisturbed_result(self):
        self.assert_holds("kills", 2, {-9})

    def test_killed_at_any_moment_the_next_run_has_the_undisturbed_result(self):
        self.assert_holds("moments", 3, {-9}, ("train_slc", "parts_on"))

    @unittest.skipUnless(mpirun(), "a build without MPI")
    def test_a_job_one_of_whose_processes_was_killed_is_gone_on_with_by_any_number(self):
        self.assert_holds("moments", 3, {137}, ("ranks_resume", "ranks_parts"))

    def test_a_signal_at_a_call_leaves_what_was_done(self):
        self.assert_holds("signals", 1, {130, -15, -2})


if __name__ == "__main__":
    unittest.main()
