"""Data that were converted: the same forecasts as of their files, made anew when those change, and what is refused."""
import os
import shutil
import unittest

from program import Program

INPUTS = ["--data.future", "price,promotion", "--data.static_categories", "store"]
AHEAD = ["--path.future", "sales.future.csv"]


class Convert(Program):
    def setUp(self):
        super().setUp()
        self.ok("simulate", "sales.csv", "--stores", "2", "--items", "3", "--days", "80", "--future-days", "14")

    def forecast(self, model, data, *arguments):
        self.ok("forecast", model, data, "--path.forecast", "f.csv", "--engine.device", "cpu", *arguments)
        return self.read("f.csv")

    def refused(self, status, *arguments):
        result = self.sluice(*arguments)
        self.assertEqual(result.status, status, result.err)
        return " ".join(result.err.split())

    def test_forecasts_are_the_same_bits_as_of_the_files(self):
        said = self.ok("convert", "sales.csv", "sales.slc", *INPUTS, *AHEAD).err
        self.assertIn("converted: sales.slc (6 series, ", said)
        self.train("sales.csv", *INPUTS, *AHEAD, "--horizon", "7", "--path.model", "a.safetensors")
        self.train("sales.slc", "--horizon", "7", "--path.model", "b.safetensors")
        of_file = self.forecast("a.safetensors", "sales.csv")
        self.assertEqual(self.forecast("a.safetensors", "sales.slc"), of_file)
        self.assertEqual(self.forecast("b.safetensors", "sales.slc"), of_file)
        self.assertEqual(self.forecast("b.safetensors", "sales.csv"), of_file)
        table = [self.ok("evaluate", "a.safetensors", data, "--mode.figures", "false").out.replace(data, "DATA") for data in ("sales.csv", "sales.slc")]
        self.assertEqual(*table)

    def test_a_catalogue_beyond_the_memory_limit_gives_the_same_bits(self):
        self.ok("convert", "sales.csv", "sales.slc", *INPUTS, *AHEAD)
        weights = []
        for limit, model in (("0", "a.safetensors"), ("0.001", "b.safetensors")):
            said = self.train("sales.slc", "--horizon", "7", "--path.model", model, "--engine.memory_limit", limit).err
            self.assertEqual("lies in a file in" in said, limit != "0", said)
            weights.append(self.forecast(model, "sales.slc", "--engine.memory_limit", limit))
        self.assertEqual(*weights)
        tables = []
        for limit in ("0", "0.001"):  # and what the tables say that they are from
            self.ok("forecast", "a.safetensors", "sales.slc", "--path.forecast", "f.parquet", "--engine.device", "cpu", "--engine.memory_limit", limit)
            tables.append((self.folder / "f.parquet").read_bytes())
        self.assertEqual(*tables)

    def test_info_says_what_it_was_made_of(self):
        self.ok("convert", "sales.csv", "sales.slc", *INPUTS, *AHEAD)
        said = self.ok("info", "sales.slc").out
        self.assertRegex(said, r"^converted     sales.slc\nof            \S*/sales.csv \([0-9,]+ bytes\)\n +\S*/sales.future.csv ")
        self.assertIn('future = ["price", "promotion"]', said)

    def test_checks_say_the_same_of_both(self):
        self.ok("convert", "sales.csv", "sales.slc", *INPUTS, *AHEAD)
        said = [self.ok("check", *arguments).out.replace("sales.slc", "sales.csv") for arguments in (["sales.csv", *INPUTS, *AHEAD], ["sales.slc"])]
        without_memory = ["\n".join(line for line in text.splitlines() if not line.startswith("memory")) for text in said]
        self.assertEqual(*without_memory)

    def test_what_was_left_out_of_a_model_is_left_out_of_converted_data(self):
        self.ok("convert", "sales.csv", "sales.slc", *INPUTS, *AHEAD)
        for data, model in (("sales.csv", "a.safetensors"), ("sales.slc", "b.safetensors")):
            self.train(data, *INPUTS, *AHEAD, "--data.left_out", "price", "--horizon", "7", "--path.model", model)
        self.assertEqual(self.forecast("a.safetensors", "sales.csv"), self.forecast("b.safetensors", "sales.slc"))

    def test_data_are_converted_again_when_they_changed(self):
        self.ok("convert", "sales.csv", "sales.slc", *INPUTS, *AHEAD)
        before = (self.folder / "sales.slc").read_bytes()
        self.assertNotIn("converting again", self.ok("check", "sales.slc").err)
        self.train("sales.slc", "--horizon", "7", "--path.model", "m.safetensors")
        self.ok("simulate", "sales.csv", "--stores", "2", "--items", "4", "--days", "90", "--future-days", "14", "--replace")
        for_new = self.forecast("m.safetensors", "sales.csv")
        # A model is no leave to write where it says that its data were.
        said = self.refused(3, "forecast", "m.safetensors", "--path.forecast", "f.csv")
        self.assertIn("sales.csv changed since it was converted; name the data in the command", said)
        self.assertEqual((self.folder / "sales.slc").read_bytes(), before)
        said = self.sluice("forecast", "m.safetensors", "sales.slc", "--path.forecast", "f.csv", "--engine.device", "cpu").err
        self.assertIn("sales.csv changed since it was converted; converting again", said)
        self.assertEqual(self.read("f.csv"), for_new)
        self.assertNotEqual((self.folder / "sales.slc").read_bytes(), before)
        self.assertNotIn("converting again", self.ok("check", "sales.slc").err)

    def test_a_file_that_appears_in_a_directory_is_a_change(self):
        (self.folder / "days").mkdir()
        text = self.read("sales.csv").splitlines(keepends=True)
        middle = len(text) // 2
        self.write("days/a.csv", "".join(text[:middle]))
        self.ok("convert", "days", "days.slc", *INPUTS)
        self.write("days/b.csv", "".join(text[:1] + text[middle:]))
        said = self.ok("check", "days.slc")
        self.assertIn("converting again", said.err)
        self.ok("convert", "days/*.csv", "some.slc", *INPUTS)
        self.assertEqual(self.ok("check", "some.slc").err, "")
        # A file that is lost takes nothing out of what was converted; with another change it is named.
        before = (self.folder / "some.slc").read_bytes()
        os.remove(self.folder / "days/b.csv")
        gone = str(self.folder / "days/b.csv") + " is not there"
        self.assertIn(f"some.slc: taken as it was converted, as {gone}\n", self.ok("check", "some.slc").err)
        self.assertEqual((self.folder / "some.slc").read_bytes(), before)
        self.write("days/a.csv", "".join(text[:middle - 1]))
        self.assertIn(f"({gone} any more) changed since it was converted; converting again", self.ok("check", "some.slc").err)
        shutil.rmtree(self.folder / "days")
        self.assertIn("taken as it was converted", self.ok("check", "some.slc").err)
        self.assertIn("6", said.out)
        said = self.refused(2, "check", "*.slc")
        self.assertIn("*.slc: converted data are one file, and no pattern stands for them; name it", said)

    def test_a_directory_that_was_emptied_is_taken_as_it_was_converted(self):
        (self.folder / "days").mkdir()
        self.write("days/a.csv", self.read("sales.csv"))
        self.ok("convert", "days", "days.slc", *INPUTS)
        os.remove(self.folder / "days/a.csv")
        said = self.ok("check", "days.slc").err
        self.assertIn("days.slc: taken as it was converted, as its files cannot be looked at (", said)

    def test_without_its_files_it_is_used_as_it_is(self):
        self.ok("convert", "sales.csv", "sales.slc", *INPUTS, *AHEAD)
        self.train("sales.csv", *INPUTS, *AHEAD, "--horizon", "7", "--path.model", "m.safetensors")
        of_file = self.forecast("m.safetensors", "sales.csv")
        os.remove(self.folder / "sales.csv")
        self.assertIn("taken as it was converted, as ", self.ok("check", "sales.slc").err)
        self.assertEqual(self.forecast("m.safetensors", "sales.slc"), of_file)

    def test_files_beside_the_data_are_part_of_it(self):
        self.ok("convert", "sales.csv", "sales.slc", *INPUTS)
        self.train("sales.csv", *INPUTS, "--horizon", "7", "--path.model", "m.safetensors")
        said = self.refused(3, "forecast", "m.safetensors", "sales.slc", "--path.forecast", "g.csv")
        self.assertIn("give the known values of the horizon in path.future", said)
        self.ok("convert", "sales.csv", "sales.slc", *INPUTS, *AHEAD)
        self.assertEqual(self.forecast("m.safetensors", "sales.slc"), self.forecast("m.safetensors", "sales.csv", *AHEAD))
        said = self.refused(2, "forecast", "m.safetensors", "sales.slc", "--path.future", "sales.csv", "--path.forecast", "g.csv")
        self.assertIn("sales.slc was converted with", said)
        self.assertIn("sales.future.csv", said)

    def test_other_settings_than_it_was_converted_with_are_refused_by_name(self):
        self.ok("convert", "sales.csv", "sales.slc", *INPUTS, *AHEAD)
        said = self.refused(2, "train", "sales.slc", "--data.gaps", "zero")
        self.assertIn('data.gaps = "zero": sales.slc was converted with "missing"; leave the setting out, or convert', said)
        self.train("sales.csv", "--horizon", "7", "--path.model", "plain.safetensors")
        said = self.refused(2, "forecast", "plain.safetensors", "sales.slc", "--path.forecast", "f.csv")
        self.assertIn('data.future = []: sales.slc was converted with ["price", "promotion"]', said)
        self.assertFalse((self.folder / "f.csv").exists())

    def test_a_frequency_that_the_data_say_is_the_same_as_one_that_is_given(self):
        self.ok("convert", "sales.csv", "sales.slc")
        self.train("sales.csv", "--data.frequency", "D", "--horizon", "7", "--path.model", "daily.safetensors")
        self.assertEqual(self.forecast("daily.safetensors", "sales.slc"), self.forecast("daily.safetensors", "sales.csv"))
        said = self.refused(2, "check", "sales.slc", "--data.frequency", "W")
        self.assertIn('data.frequency = "W": sales.slc was converted with "D"; leave the setting out, or convert', said)
        self.ok("convert", "sales.csv", "half.slc", "--data.frequency", "12h")
        said = self.refused(2, "check", "half.slc", "--data.frequency", "auto")
        self.assertIn('data.frequency = "auto": half.slc was converted with "12h"', said)
        said = self.refused(2, "forecast", "daily.safetensors", "half.slc", "--path.forecast", "f.csv")
        self.assertIn('data.frequency = "D": half.slc was converted with "12h"', said)
        self.ok("convert", "sales.csv", "sales.slc", "--data.frequency", "D")
        self.train("sales.csv", "--horizon", "7", "--path.model", "said.safetensors")
        self.assertEqual(self.forecast("said.safetensors", "sales.slc"), self.forecast("said.safetensors", "sales.csv"))
        said = self.refused(3, "forecast", "said.safetensors", "half.slc", "--path.forecast", "f.csv")
        self.assertIn("trained on D data and this is 12h", said)

    def test_a_model_says_how_data_are_to_be_converted(self):
        self.train("sales.csv", *INPUTS, *AHEAD, "--horizon", "7", "--path.model", "m.safetensors")
        self.ok("convert", "m.safetensors", "sales.csv", "sales.slc")
        self.assertEqual(self.forecast("m.safetensors", "sales.slc"), self.forecast("m.safetensors", "sales.csv"))

    def test_what_it_writes_is_neither_another_file_nor_another_kind(self):
        self.assertIn("NAME.slc", self.refused(2, "convert", "sales.csv"))
        self.assertIn("a.slc and b.slc are both converted data, which convert writes and does not read; give one",
                      self.refused(2, "convert", "sales.csv", "a.slc", "b.slc"))
        self.write("other.slc", "somebody's own\n")
        self.assertIn("holds something else", self.refused(2, "convert", "sales.csv", "other.slc"))
        self.assertEqual(self.read("other.slc"), "somebody's own\n")
        self.train("sales.csv", "--horizon", "7", "--path.model", "m.safetensors")
        self.ok("convert", "sales.csv", "sales.slc")
        for out in ("sales.slc", "sales.csv"):
            said = self.refused(2, "evaluate", "m.safetensors", "sales.slc", "--path.scores", out)
            self.assertIn("path.scores", said)
        self.assertIn("stand alone", self.refused(2, "train", "sales.slc", "sales.csv"))
        self.assertIn("other.slc: ", self.refused(3, "train", "other.slc"))
        with open(self.folder / "sales.slc", "r+b") as file:
            file.truncate(5000)
        said = self.refused(3, "train", "sales.slc")
        self.assertIn("sales.slc: ", said)
        self.assertIn("convert the data again", said)
        self.ok("convert", "sales.csv", "sales.slc")


if __name__ == "__main__":
    unittest.main()
