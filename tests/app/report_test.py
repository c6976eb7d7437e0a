"""`sluice report`, and `evaluate` with path.html: what they write and where. Their page in a browser: browser_test.py."""
import re
import unittest

from program import Program


class Command(Program):
    def setUp(self):
        super().setUp()
        self.daily("a.csv", 100)
        self.train("a.csv", "--horizon", "7")

    def test_report_writes_a_page_beside_path_report_and_nothing_else(self):
        result = self.ok("report", "runs/model.safetensors", "a.csv")
        self.assertEqual(result.out, "")
        self.assertIn("page: runs/report.html", result.err)
        self.assertTrue(self.read("runs/report.html").startswith("<!DOCTYPE html>"))
        self.assertFalse((self.folder / "runs/report.json").exists())
        self.assertFalse((self.folder / "runs/figures").exists())
        self.ok("report", "runs/model.safetensors", "a.csv", "--path.html", "mail/to.html")
        self.assertTrue((self.folder / "mail/to.html").exists())

    def test_evaluate_writes_the_same_page_where_path_html_is_set(self):
        self.ok("evaluate", "runs/model.safetensors", "a.csv", "--mode.figures", "false")
        self.assertFalse((self.folder / "runs/report.html").exists())
        self.ok("evaluate", "runs/model.safetensors", "a.csv", "--mode.figures", "false", "--path.html", "e.html")
        self.ok("report", "runs/model.safetensors", "a.csv", "--path.html", "r.html")
        own = re.compile(r'"(train|forecast|processor)_seconds":[^,}]*|\\nfigures = \w+|\\nhtml = [^\\]*\\"\w.html\\"')
        self.assertEqual(own.sub("", self.read("e.html")), own.sub("", self.read("r.html")))

    def test_report_has_the_settings_that_it_ran_with(self):
        self.ok("report", "runs/model.safetensors", "a.csv", "--evaluate.n_windows", "2", "--evaluate.step", "1",
                "--path.html", "r.html")
        page = self.read("r.html")
        for line in ("hidden_size = 4", "steps = 4", "n_windows = 2", "step = 1", 'html = \\"r.html\\"'):
            self.assertIn("\\n" + line + "\\n", page)

    def curves(self):
        return re.search(r'"curves":(\[\{.*?\}\])', self.read("runs/report.html"))[1]

    def test_report_has_the_training_of_its_own_model_also_where_a_later_one_is_in_the_log(self):
        self.ok("report", "runs/model.safetensors", "a.csv")
        own = self.curves()
        self.daily("b.csv", 100, value=lambda day: 10 + day * 7919 % 101)
        self.train("b.csv", "--horizon", "7", "--path.model", "other.safetensors")
        self.ok("report", self.folder / "runs/model.safetensors", "a.csv")
        self.assertEqual(self.curves(), own)
        self.ok("report", "other.safetensors", "b.csv")
        self.assertNotEqual(self.curves(), own)

    def test_report_says_that_a_log_is_of_another_models_training(self):
        self.ok("report", "runs/model.safetensors", "a.csv")
        self.assertIn('"wrote":"runs/model.safetensors","model":"runs/model.safetensors"', self.read("runs/report.html"))
        self.write("copy.safetensors", (self.folder / "runs/model.safetensors").read_bytes())
        self.ok("report", "copy.safetensors", "a.csv")
        self.assertIn('"wrote":"runs/model.safetensors","model":"copy.safetensors"', self.read("runs/report.html"))

    def test_report_trains_anew_with_refit(self):
        (self.folder / "runs/model.safetensors").unlink()
        self.ok("report", "a.csv", "--horizon", "7", "--evaluate.refit", "1", "--training.steps", "4", "--hidden_size", "4",
                "--path.html", "r.html")
        self.assertIn("<!DOCTYPE html>", self.read("r.html"))

    def test_a_page_never_replaces_the_data_or_the_model(self):
        for target, what in (("a.csv", "would replace a data file"), ("runs/model.safetensors", "are one file")):
            before = (self.folder / target).read_bytes()
            for command in ("report", "evaluate"):
                result = self.sluice(command, "runs/model.safetensors", "a.csv", "--path.html", target)
                self.assertEqual(result.status, 2, result.err)
                self.assertIn(what, result.err)
                self.assertIn("path.html", result.err)
            self.assertEqual((self.folder / target).read_bytes(), before)


if __name__ == "__main__":
    unittest.main()
