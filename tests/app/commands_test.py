"""Commands and their statuses, as a shell sees them."""
import unittest

from program import Program


class Commands(Program):
    def test_without_a_command_help_is_given(self):
        result = self.ok()
        self.assertIn("sluice train", result.out)

    def test_a_mistyped_command_is_answered_with_the_near_one(self):
        result = self.sluice("tarin")
        self.assertEqual(result.status, 2)
        self.assertEqual(result.err, "sluice: there is no command 'tarin'; did you mean 'sluice train'?\n")

    def test_check_tells_what_a_file_holds(self):
        self.daily("sales.csv", 30)
        result = self.ok("check", "sales.csv")
        self.assertIn("2024-01-01", result.out)
        self.assertIn("2024-01-30", result.out)


if __name__ == "__main__":
    unittest.main()
