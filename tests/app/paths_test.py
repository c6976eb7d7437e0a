"""Files that are written are none of those that are read, nor each other; and can be written, before the work begins."""
import os
import unittest

from program import Program


class Outputs(Program):
    def setUp(self):
        super().setUp()
        self.daily("sales.csv", 60)
        self.train("sales.csv", "--path.model", "m.safetensors")
        (self.folder / "link.csv").symlink_to("sales.csv")
        os.link(self.folder / "sales.csv", self.folder / "hard.csv")

    def kept(self, *arguments, says):
        """The command is refused with status 2, before any file has changed."""
        before = {path: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}
        result = self.sluice(*arguments)
        self.assertEqual(result.status, 2, result.err)
        self.assertIn(says, result.err)
        for path, content in before.items():
            self.assertEqual(path.read_bytes(), content, path)

    def test_no_output_replaces_the_data(self):
        model = ("m.safetensors", "sales.csv")
        for command, key in (("forecast", "path.forecast"), ("forecast", "path.log"), ("forecast", "path.explanation"),
                             ("evaluate", "path.report"), ("evaluate", "path.scores"), ("evaluate", "path.figures")):
            for name in ("sales.csv", "./x/../sales.csv", "link.csv", "hard.csv"):
                with self.subTest(key, name=name):
                    self.kept(command, *model, "--" + key, name, says=f"{key} = {name} would replace a data file")
        self.kept("train", "sales.csv", "--path.model", "sales.csv", says="path.model = sales.csv would replace")

    def test_an_output_with_the_ending_of_another_format_is_refused_before_the_data_are_read(self):
        self.write("sales.csv", "no data")
        for arguments, said in (
                (("report", "m.safetensors", "sales.csv", "--path.html", "x.pdf"), "path.html = x.pdf: it is written as html, which the "
                 "ending .pdf does not say; name it x.html"),
                (("evaluate", "sales.csv", "--evaluate.refit", "1", "--path.report", "r.csv"), "path.report = r.csv: it is written as json")):
            if "m.safetensors" in arguments:
                self.daily("good.csv", 60)
                self.train("good.csv", "--horizon", "3", "--path.model", "m.safetensors")
            result = self.sluice(*arguments)
            self.assertEqual(result.status, 2, result.err)
            self.assertIn(said, result.err)
        self.ok("report", "m.safetensors", "good.csv", "--path.html", "page.htm")

    def test_no_output_replaces_settings_future_statics_or_a_file_of_a_directory_of_data(self):
        self.write("s.toml", '[path]\ndata = "sales.csv"\nmodel = "m.safetensors"\n')
        self.kept("forecast", "s.toml", "--path.forecast", "s.toml", says="would replace the file of settings")
        self.daily("data/a.csv", 60)
        self.kept("forecast", "m.safetensors", "data", "--path.forecast", "data/a.csv", says="would replace a data file")
        self.daily("parts/store=S1/a.csv", 60)
        for name in ("parts/store=S1/a.csv", "parts/store=S1/../store=S1/a.csv"):
            self.kept("forecast", "m.safetensors", "parts", "--path.forecast", name, says="would replace a data file")
        self.kept("forecast", "m.safetensors", "parts", "--path.forecast", "parts/store=S1/f.csv", says="would be read as data")
        self.daily("known.csv", 5, columns="ds,price")
        self.kept("forecast", "m.safetensors", "sales.csv", "--path.future", "known.csv", "--data.future", "price",
                  "--path.forecast", "known.csv", says="would replace path.future")
        self.daily("ahead/known.csv", 5, columns="ds,price")
        for files in ("ahead", "known.csv,ahead"):
            self.kept("forecast", "m.safetensors", "sales.csv", "--path.future", files, "--data.future", "price",
                      "--path.forecast", "ahead/known.csv", says="would replace path.future")

    def test_what_a_pattern_means_is_read_and_not_replaced(self):
        self.daily("data/a1.csv", 60)
        self.kept("forecast", "m.safetensors", "data/a?.csv", "--path.forecast", "data/a1.csv", says="would replace a data file")
        self.kept("forecast", "m.safetensors", "data/*.csv", "--path.forecast", "./data/f.csv", says="would be read as data from then on")
        self.ok("forecast", "m.safetensors", "data/*.csv", "--path.forecast", "data/f.parquet")
        self.write("out/part-00003.parquet", (self.folder / "data/f.parquet").read_bytes())
        for data, says in (("out/part-00003.parquet", "would replace a data file"), ("out/*.parquet", "would be read as data")):
            self.kept("forecast", "m.safetensors", data, "--path.forecast", "out/", says=says)
        result = self.sluice("check", "data/b*.csv")
        self.assertEqual(result.status, 3, result.err)
        self.assertIn("data/b*.csv: no file has such a name; check path.data and the working directory", result.err)

    def test_no_output_becomes_a_part_of_the_data_that_it_lies_beside(self):
        self.daily("data/a.csv", 60)
        model = ("m.safetensors", "data")
        for command, key, name in (("forecast", "path.forecast", "data/f.csv"), ("evaluate", "path.scores", "data/s.parquet"),
                                   ("forecast", "path.log", "./data/log.txt")):
            self.kept(command, *model, "--" + key, name, says=f"{key} = {name} would be read as data from then on, as it "
                                                              "lies in data, a data file (path.data)")
            self.assertEqual(os.listdir(self.folder / "data"), ["a.csv"])
        self.kept("evaluate", *model, "--data.format", "csv", "--path.report", "data/r.json", says="would be read as data")
        self.ok("forecast", *model, "--path.log", "data/log.jsonl", "--path.forecast", "data/_f.csv")
        self.ok("forecast", *model)

    def test_made_up_data_replace_what_holds_something_else_only_where_that_is_asked(self):
        before = self.read("sales.csv")
        for name in ("sales.csv", "link.csv"):
            result = self.sluice("simulate", name, "--stores", "1", "--items", "2", "--days", "30")
            self.assertEqual(result.status, 3)
            self.assertIn(f"{name}: is there already and holds something else; choose another file name for simulate, or "
                          "write over it (sluice simulate --replace)", result.err)
            self.assertEqual(self.read("sales.csv"), before)
        self.assertFalse((self.folder / "sales.future.csv").exists())
        made = ("simulate", "sales.csv", "--stores", "1", "--items", "2", "--days", "30")
        self.ok(*made, "--replace")
        self.assertNotEqual(self.read("sales.csv"), before)
        self.ok(*made)

    def test_no_two_outputs_are_one_file(self):
        self.kept("train", "sales.csv", "--path.model", "one", "--path.log", "one", says="are one file")
        self.kept("train", "sales.csv", "--path.model", "m", "--path.log", "m.state", says="are one file")
        self.kept("evaluate", "m.safetensors", "--path.report", "m.safetensors", says="are one file")
        self.kept("evaluate", "m.safetensors", "--path.report", "a", "--path.scores", "b/../a", says="are one file")

    def test_the_model_to_go_on_from_is_replaced_by_the_new_model_only(self):
        self.kept("train", "sales.csv", "--training.init_from", "m.safetensors", "--path.model", "new", "--path.log",
                  "./m.safetensors", says="would replace the model to go on from (training.init_from), m.safetensors")
        self.write("old.state", (self.folder / "m.safetensors").read_bytes())
        self.kept("train", "sales.csv", "--training.init_from", "old.state", "--path.model", "old",
                  says="the training's state beside path.model = old.state would replace the model to go on from "
                       "(training.init_from), old.state; choose another path.model")
        self.train("sales.csv", "--training.init_from", "m.safetensors", "--path.model", "m.safetensors")

    def test_a_file_that_has_the_name_of_a_lock_is_kept(self):
        self.daily("new.lock", 60)
        self.kept("train", "new.lock", "--data.format", "csv", "--path.model", "new",
                  says="the training's lock beside path.model = new.lock would replace a data file")
        self.kept("train", "sales.csv", "--path.model", "new", "--path.log", "new.lock", says="are one file")
        before = self.read("new.lock")
        result = self.sluice("train", "sales.csv", "--path.model", "new")
        self.assertEqual(result.status, 3)
        self.assertIn("new.lock: is no lock of a training", result.err)
        self.assertEqual(self.read("new.lock"), before)

    def test_a_place_that_cannot_be_written_is_found_before_the_data_are_read(self):
        self.write("bad.csv", "ds,y\n2024-01-01,x\n")
        self.write("file", "")
        for command, flags in (("train", ["--path.model", "file/m.safetensors"]),
                               ("train", ["--path.log", "file/log.jsonl"]),
                               ("train", ["--path.model", "."])):
            with self.subTest(flags):
                result = self.sluice(command, "bad.csv", *flags)
                self.assertEqual(result.status, 3)
                self.assertIn(flags[0].removeprefix("--"), result.err)
                self.assertNotIn("bad.csv", result.err)
        result = self.sluice("forecast", "m.safetensors", "bad.csv", "--path.forecast", "f.xlsx")
        self.assertIn("f.xlsx: cannot write this format", result.err)
        result = self.sluice("evaluate", "m.safetensors", "bad.csv", "--path.figures", "file")
        self.assertIn("path.figures", result.err)
        self.assertNotIn("bad.csv", result.err)
        for folder in ("/proc", "/proc/new"):  # where nobody can make a file
            result = self.sluice("evaluate", "m.safetensors", "bad.csv", "--path.figures", folder)
            self.assertEqual(result.status, 3)
            self.assertIn(f"{folder}/predict.png: cannot be written", result.err)
            self.assertIn("choose another path.figures", result.err)
            self.assertNotIn("bad.csv", result.err)

    def test_without_a_path_of_figures_there_are_none(self):
        self.assertNotIn("figures", self.ok("evaluate", "m.safetensors", "--path.figures", "").err)
        self.assertFalse((self.folder / "runs/figures").exists())

    def test_a_device_may_be_every_output(self):
        self.ok("evaluate", "m.safetensors", "--path.report", "/dev/null", "--path.log", "/dev/null", "--mode.figures",
                "false")

    def test_nothing_is_left_behind_by_the_trial(self):
        self.write("bad.csv", "ds,y\n2024-01-01,x\n")
        self.assertEqual(self.sluice("train", "bad.csv", "--path.model", "new/m.safetensors").status, 3)
        self.assertEqual(list((self.folder / "new").iterdir()), [])


if __name__ == "__main__":
    unittest.main()
