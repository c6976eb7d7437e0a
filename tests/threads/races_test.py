"""Which reports of the thread sanitizer count. Those here have the form of clang 14's."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

import races

OURS = "sluice::Blocks::take(long) /tree/host/data/table/source.cpp:100:17 (sluice_data_test+0x52cbc2)"
OF_THE_LIBRARY = "sluice::run(int) /tree/host/run/run.cpp:10:1 (libsluice.so.0+0x100)"
MEMCPY = "memcpy <null> (sluice_data_test+0x10524e)"
DELETE = "operator delete(void*, unsigned long) <null> (sluice_data_test+0x17b95e)"
ARROW = "arrow::SimpleTable::~SimpleTable() <null> (libarrow.so.2600+0xb41a92)"
DESTROY = "std::_Sp_counted_ptr_inplace<Reader>::_M_destroy() /usr/include/c++/12/bits/shared_ptr_base.h:12:1 (sluice_data_test+0x6d6179)"
STRING = "std::string::_M_assign(std::string const&) <null> (libstdc++.so.6+0x14ee2f)"


def stack(*frames):
    return "".join(f"    #{n} {frame} (BuildId: 72a9)\n" for n, frame in enumerate(frames))


def race(one, other):
    return (f"WARNING: ThreadSanitizer: data race (pid=7)\n  Write of size 8 at 0x7b2c00 by thread T1:\n{stack(*one)}\n"
            f"  Previous read of size 8 at 0x7b2c00 by main thread (mutexes: write M0):\n{stack(*other)}\n"
            f"  Location is heap block of size 80 at 0x7b2c00 allocated by main thread:\n{stack(ARROW)}\n"
            "SUMMARY: ThreadSanitizer: data race in take\n")


class Counts(unittest.TestCase):
    def test_two_accesses_of_ours_do(self):
        self.assertTrue(races.counts(race([OURS], [OF_THE_LIBRARY])))

    def test_our_code_that_a_library_called_does(self):
        self.assertTrue(races.counts(race([OURS, ARROW], [OURS])))

    def test_a_copy_that_we_made_does_also_through_the_standard_library(self):
        self.assertTrue(races.counts(race([MEMCPY, OURS], [MEMCPY, STRING, OURS])))

    def test_a_library_that_lets_go_of_what_we_had_does_not(self):
        self.assertFalse(races.counts(race([DELETE, ARROW, OURS], [OURS])))
        self.assertFalse(races.counts(race([OURS], [DELETE, ARROW])))

    def test_the_last_of_shared_pointers_is_that_of_whoever_lets_go_of_it(self):
        self.assertFalse(races.counts(race([DELETE, DESTROY, ARROW], [OURS])))
        self.assertTrue(races.counts(race([DELETE, DESTROY, OURS], [OURS])))

    def test_an_access_whose_place_is_not_known_does(self):
        self.assertTrue(races.counts(race([OURS], [])))

    def test_what_is_no_race_of_two_accesses_does(self):
        self.assertTrue(races.counts("WARNING: ThreadSanitizer: lock-order-inversion (potential deadlock) (pid=7)\n"
                                     f"  Mutex M1 acquired here while holding mutex M0 in main thread:\n{stack(ARROW)}"))


class Main(unittest.TestCase):
    def ended(self, *reports):
        with tempfile.TemporaryDirectory() as folder:
            bar = "==================\n"
            pathlib.Path(folder, "race.7").write_text("".join(bar + report + bar for report in reports))
            done = subprocess.run([sys.executable, "-B", races.__file__, folder], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    def test_a_place_is_shown_once_and_is_a_failure(self):
        status, shown = self.ended(race([OURS], [OURS]), race([OURS], [OURS]), race([DELETE, ARROW], [OURS]))
        self.assertEqual(status, 1)
        self.assertEqual(shown.count("by thread T1"), 1)
        self.assertIn("3 reports: 1 of accesses by libraries that are not instrumented, 2 others in 1 places", shown)

    def test_without_any_it_is_none(self):
        self.assertEqual(self.ended(race([DELETE, ARROW], [OURS]))[0], 0)


if __name__ == "__main__":
    unittest.main()
