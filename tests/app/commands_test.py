"""Commands and their statuses, as a shell sees them."""
import re
import unittest

from program import Program


class Commands(Program):
    def test_without_a_command_help_is_given(self):
        result = self.ok()
        self.assertIn("sluice train", result.out)

    def test_every_help_has_lines_of_80_columns_at_most(self):
        commands = re.findall(r"^  (\w+) ", self.ok("--help").out.split("\nSubcommands:\n")[1].split("\nBegin:")[0], re.MULTILINE)
        self.assertGreaterEqual(set(commands), {"train", "tune", "forecast", "evaluate", "report", "check", "simulate"})
        for arguments in ([], *([command] for command in commands)):
            text = self.ok(*arguments, "--help").out
            self.assertLessEqual(max(map(len, text.splitlines())), 80, text)
        self.assertIn("\n  FILES TEXT ...              a model, data, a TOML file of settings; what is\n"
                      "                              left out the model knows\n", self.ok("forecast", "--help").out)

    def test_a_mistyped_command_is_answered_with_the_near_one(self):
        result = self.sluice("tarin")
        self.assertEqual(result.status, 2)
        self.assertEqual(result.err, "sluice: there is no command 'tarin'; did you mean 'sluice train'?\n")

    def test_check_tells_what_a_file_holds(self):
        self.daily("sales.csv", 30)
        result = self.ok("check", "sales.csv")
        self.assertIn("2024-01-01", result.out)
        self.assertIn("2024-01-30", result.out)

    def test_check_says_once_what_was_guessed(self):
        rows = [f"{2020 + month // 12}{month % 12 + 1:02},{month}" for month in range(24)]
        self.write("sales.csv", "date,y\n" + "\n".join(rows) + "\n")
        notes = [line for line in self.ok("check", "sales.csv").out.splitlines() if "were read as" in line]
        self.assertEqual(len(notes), 1, notes)
        self.assertTrue(notes[0].startswith("note        sales.csv: the integers of 'date' (202001 .. 202112)"), notes)

    def test_what_rises_to_an_end_that_is_not_known_is_refused_before_the_data_are_read(self):
        self.write("sales.csv", "no data")
        for flags, said in ((("--network.decoding", "recursive", "--training.sampled_pasts", "0.5"), "training.sampled_pasts"),
                            (("--training.schedule", "cosine"), 'training.schedule = "cosine"')):
            result = self.sluice("train", "sales.csv", *flags, "--training.steps", "0", "--training.max_seconds", "60")
            self.assertEqual(result.status, 2)
            self.assertIn(f"{said} needs to know the end: set training.steps or training.epochs", " ".join(result.err.split()))

    def test_devices_begin_with_what_the_setting_takes(self):
        lines = [line.split(maxsplit=1) for line in self.ok("devices").out.splitlines()]
        self.assertEqual([line[0] for line in lines[:2]], ["auto", "cpu"])
        taken = lines[0][1].removeprefix("takes ").removesuffix(" here")
        self.assertIn(taken, [line[0] for line in lines[1:]])
        self.daily("sales.csv", 60)
        self.train("sales.csv")
        for device in ("auto", taken):
            self.ok("forecast", "runs/model.safetensors", "--engine.device", device)

    def test_few_validation_errors_are_a_warning_to_who_has_intervals_of_them(self):
        self.daily("sales.csv", 60)  # of which the validation is one window of 14 steps
        said = "fewer than 20 errors, too few for intervals"
        self.assertIn(said, " ".join(self.train("sales.csv", "--training.loss", "mae").err.split()))
        self.assertNotIn(said, " ".join(self.train("sales.csv").err.split()))


if __name__ == "__main__":
    unittest.main()
