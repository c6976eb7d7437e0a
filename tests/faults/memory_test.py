"""Some of the allocations that have no memory; `scripts/faults memory` takes more of them."""
import unittest

from sweep import sweep


class Memory(unittest.TestCase):
    def test_an_allocation_without_memory_ends_with_a_sentence_or_changes_nothing(self):
        statuses = set()
        for name in ("train", "resume", "choice", "seeds", "parquet", "forecast", "forecast_parquet", "evaluate", "simulate", "tune",
                     "convert", "forecast_slc", "parts"):
            with self.subTest(case=name):
                _, ended, finds = sweep("memory", name, some=6)
                self.assertEqual(finds, [])
                statuses |= set(ended)
        self.assertIn(3, statuses)


if __name__ == "__main__":
    unittest.main()
