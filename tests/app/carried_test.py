"""What a model's settings mean for other data than those it was trained on."""
import csv
import datetime
import unittest

from program import Program

START = datetime.date(2024, 1, 1)
DAYS = 60


class Carried(Program):
    def shops(self, name, delimiter, decimal, ids=("A", "B"), encoding="utf-8"):
        """A row a day of each shop, constant 1.125 and 2.125."""
        rows = [delimiter.join(["id", "ds", "y"])]
        for level, shop in enumerate(ids, start=1):
            value = f"{level + 0.125:.3f}".replace(".", decimal)
            rows += [delimiter.join([shop, str(START + datetime.timedelta(day)), value]) for day in range(DAYS)]
        return self.write(name, ("\n".join(rows) + "\n").encode(encoding))

    def forecasts(self, *arguments):
        """By id, from the file that the command writes."""
        self.ok("forecast", *arguments, "--path.forecast", "f.csv", "--engine.device", "cpu")
        found = {}
        for row in csv.DictReader((self.folder / "f.csv").read_text().splitlines()):
            found.setdefault(row["unique_id"], []).append(float(row["sluice"]))
        return found

    def assert_levels(self, found, ids=("A", "B")):
        self.assertEqual(set(found), set(ids))
        for level, shop in enumerate(ids, start=1):
            for value in found[shop]:
                self.assertAlmostEqual(value, level + 0.125, delta=0.2)

    def test_a_decimal_comma_of_the_training_makes_no_thousands_of_decimal_points(self):
        self.shops("comma.csv", ";", ",")
        self.shops("point.csv", ",", ".")
        self.train("comma.csv", "--data.decimal", ",", "--data.delimiter", ";", "--horizon", "3", "--path.model", "m.safetensors")
        self.assert_levels(self.forecasts("m.safetensors", "point.csv"))
        self.assert_levels(self.forecasts("m.safetensors", "comma.csv"))

    def test_a_decimal_point_of_the_training_makes_no_thousands_of_decimal_commas(self):
        self.shops("point.csv", ",", ".")
        self.shops("comma.csv", ";", ",")
        self.train("point.csv", "--data.decimal", ".", "--horizon", "3", "--path.model", "m.safetensors")
        # 1,125 alone may be 1125: it is asked for, not taken from the training.
        asked = self.sluice("forecast", "m.safetensors", "comma.csv", "--path.forecast", "f.csv")
        self.assertEqual(asked.status, 3)
        self.assertIn("set data.decimal to", asked.err)
        self.assert_levels(self.forecasts("m.safetensors", "comma.csv", "--data.decimal", ","))

    def test_an_encoding_of_the_training_holds_for_what_is_no_utf_8(self):
        self.shops("old.csv", ",", ".", ("München", "B"), "cp1252")
        self.shops("new.csv", ",", ".", ("München", "B"))
        self.train("old.csv", "--data.encoding", "cp1252", "--horizon", "3", "--path.model", "m.safetensors")
        self.assert_levels(self.forecasts("m.safetensors", "new.csv"), ("München", "B"))
        self.shops("later.csv", ",", ".", ("München", "B"), "cp1252")
        self.assert_levels(self.forecasts("m.safetensors", "later.csv"), ("München", "B"))
        said = self.ok("check", "m.safetensors", "new.csv").out
        self.assertIn("was trained with --data.encoding cp1252", " ".join(said.split()))

    def test_known_values_that_stood_in_the_data_are_those_of_the_other_data(self):
        def shop(name, factor):
            rows = ["ds,y,promo"]
            for day in range(DAYS + 3):
                sold = f"{factor * (10 + day % 7)}" if day < DAYS else ""
                rows.append(f"{START + datetime.timedelta(day)},{sold},{day % 2}")
            self.write(name, "\n".join(rows) + "\n")
        shop("a.csv", 1)
        shop("b.csv", 100)
        self.train("a.csv", "--path.future", "a.csv", "--data.future", "promo", "--data.layout", "single", "--data.targets", "y",
                   "--horizon", "3", "--path.model", "m.safetensors")
        (self.folder / "a.csv").unlink()  # nothing of it is needed
        found = self.forecasts("m.safetensors", "b.csv")
        self.assertEqual([len(values) for values in found.values()], [3])

    def test_a_file_beside_the_training_data_is_used_beside_others_and_said(self):
        self.shops("a.csv", ",", ".")
        self.shops("b.csv", ",", ".")
        self.write("kinds.csv", "id,kind\nA,small\nB,large\n")
        self.train("a.csv", "--path.statics", "kinds.csv", "--data.static_categories", "kind", "--horizon", "3",
                   "--path.model", "m.safetensors")
        said = self.ok("forecast", "m.safetensors", "b.csv", "--path.forecast", "f.csv").err
        self.assertIn("path.statics = kinds.csv stood beside the data that m.safetensors was trained on", said)


if __name__ == "__main__":
    unittest.main()
