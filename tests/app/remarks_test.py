"""Who says what of the data: check and train all of it, the others what the training did not."""
import datetime
import unittest

from program import Program

START = datetime.date(2024, 1, 1)


class Remarks(Program):
    GUESS = "the series are named by the column shop (data.id)"
    EARLY = "1 of 2 series ends before the others"

    def shops(self, name, days=(60, 58), columns="shop,date,y", more=lambda day: ""):
        """A row a day of the shops A and B from START on."""
        rows = [f"{shop},{START + datetime.timedelta(day)},{10 + day % 7}{more(day)}"
                for shop, count in zip("AB", days) for day in range(count)]
        return self.write(name, "\n".join([columns, *rows]) + "\n")

    def said(self, *arguments):
        result = self.ok(*arguments)
        return result.out + result.err

    def setUp(self):
        super().setUp()
        self.shops("a.csv")
        self.training = self.train("a.csv", "--horizon", "3", "--path.model", "m.safetensors").err

    def test_what_the_training_said_is_said_again_by_check_alone(self):
        check = self.said("check", "m.safetensors", "a.csv")
        for text in (self.GUESS, self.EARLY):
            self.assertEqual(self.training.count(text), 1)
            self.assertEqual(check.count(text), 1)
        forecast = self.said("forecast", "m.safetensors", "a.csv", "--path.forecast", "f.csv")
        evaluate = self.said("evaluate", "m.safetensors", "a.csv", "--mode.figures", "false")
        for text in (forecast, evaluate):
            self.assertNotIn(self.GUESS, text)
        self.assertIn("on the data as the training had them: sluice check m.safetensors a.csv", evaluate)
        self.assertIn("on the data as the training had", forecast)

    def test_a_forecast_says_once_that_series_end_early(self):
        self.shops("b.csv", days=(60, 57))
        for data in ("a.csv", "b.csv"):
            forecast = self.said("forecast", "m.safetensors", data, "--path.forecast", "f.csv")
            self.assertEqual(forecast.count("before the others"), 1)
            self.assertIn(self.EARLY, forecast)
            self.assertIn('data.end = "common" ends all there', forecast)

    def test_what_the_training_did_not_say_is_said(self):
        self.shops("b.csv", days=(60, 57))
        check = self.said("check", "m.safetensors", "b.csv")
        later = [line for line in check.splitlines() if "B (2024-02-26)" in line]
        self.assertEqual(len(later), 1, check)
        evaluate = self.said("evaluate", "m.safetensors", "b.csv", "--mode.figures", "false")
        self.assertIn("B (2024-02-26)", evaluate)
        self.assertNotIn(self.GUESS, evaluate)

    def test_what_is_known_of_the_horizon_is_said_whatever_the_training_said(self):
        self.shops("p.csv", (60, 60), "shop,date,y,price", lambda day: f",{day % 2}")
        self.write("old.csv", "shop,date,price\nA,2024-01-02,1\nB,2024-01-02,1\n")
        future = ("--data.future", "price", "--path.future", "old.csv")
        nothing = "no row lies after the end of the histories"
        trained = self.train("p.csv", "--horizon", "3", *future, "--path.model", "p.safetensors").err
        self.assertIn(nothing, trained)
        forecast = self.sluice("forecast", "p.safetensors", "p.csv", "--path.forecast", "f.csv")
        self.assertEqual(forecast.status, 3)
        self.assertIn(nothing, forecast.err)

    def test_a_training_says_which_known_values_its_forecast_will_lack(self):
        self.daily("till.csv", 60, columns="ds,y,promo", value=lambda day: f"{10 + day % 7},{day % 2}")
        few = ("till.csv", "--horizon", "3", "--data.future", "promo", "--data.left_out", "", "--path.model", "m.safetensors")
        said = "values that must be known ahead do not reach over the 3 steps of a forecast in 1 of 1 series (y: "
        for files, reason in (((), "no promo for 2024-03-01 and 2 later steps"),
                              (("--path.future", "one.csv"), "no promo for 2024-03-02 and 1 later step")):
            self.write("one.csv", "ds,promo\n2024-03-01,1\n")
            trained = self.train(*few, *files).err
            self.assertIn(f"warning: {said}{reason}), which it leaves out; give them in path.future (columns: ds, promo)\n", trained)
            self.assertIn("next: sluice forecast m.safetensors till.csv --engine.threads 1 --engine.device cpu --path.future FILE, "
                          "or sluice evaluate m.safetensors till.csv --engine", trained)
        self.write("all.csv", "ds,promo\n" + "".join(f"2024-03-0{day},1\n" for day in (1, 2, 3)))
        trained = self.train(*few, "--path.future", "all.csv").err
        self.assertNotIn("known ahead", trained)
        self.assertNotIn("FILE", trained)
        self.ok("forecast", "m.safetensors", "till.csv")
        # A model that is made without the column needs no values of it.
        self.assertNotIn("FILE", self.train(*few[:-4], "--data.left_out", "promo", "--path.model", "m.safetensors").err)

    def test_the_horizon_of_a_tsf_file_is_told_of_where_another_is_forecast(self):
        values = ",".join(str(10 + month % 12) for month in range(60))
        self.write("m.tsf", "@attribute series_name string\n@attribute start_timestamp date\n@frequency monthly\n@horizon 6\n"
                            f"@data\nT0:2019-01-01 00-00-00:{values}\n")
        said = "the file's @horizon of 6 steps is not taken over: 12 steps are forecast, which suit the frequency; --horizon 6"
        self.assertIn(said, self.said("check", "m.tsf"))
        self.assertIn(said, self.train("m.tsf").err)
        self.assertNotIn("@horizon", self.train("m.tsf", "--horizon", "8").err)
        self.write("bad.tsf", "@attribute series_name string\n@frequency monthly\n@horizon six\n@data\nT0:1,2\n")
        self.assertIn("bad.tsf:3: @horizon 'six' is no number of steps; write '@horizon 6'", self.sluice("check", "bad.tsf").err)

    def test_one_row_and_one_value_have_their_own_verbs(self):
        rows = [f"A,{START + datetime.timedelta(day)},{10 + day % 7},1" for day in range(60)]
        self.write("p.csv", "\n".join(["shop,date,y,price", *rows]) + "\n")
        ahead = [f"A,{START + datetime.timedelta(day)},1" for day in range(60, 74)]
        self.write("f.csv", "\n".join(["shop,date,price", "A,2024-01-05,2", *ahead]) + "\n")
        self.write("s.csv", "shop,area\nA,3\nA,3\n")
        said = self.said("check", "p.csv", "--data.future", "price", "--path.future", "f.csv", "--data.static_reals", "area",
                         "--path.statics", "s.csv")
        self.assertIn("f.csv: 1 of its values of 'price' differs from the data's own", said)
        self.assertIn("s.csv: 1 row says the same as another row of its series", said)

    def test_nothing_is_proposed_that_has_nothing_of_what_was_written(self):
        self.write("p.csv", "ds,y\n")
        said = self.sluice("check", "p.csv", "--data.decimal", "x").err
        self.assertIn("--data.decimal must be one of", said)
        self.assertNotIn("did you mean", said)

    MEDIANS = "and the sum of medians lies below the median of a sum"

    def test_sums_of_medians_are_told_of_when_the_loss_is_decided_and_only_where_it_has_medians(self):
        self.shops("dense.csv", (60, 60))
        rows = [f"{shop},{START + datetime.timedelta(day)},{1 if (day * day + 3 * day) % 7 == 0 else 0}"
                for shop in "AB" for day in range(60)]
        self.write("rare.csv", "\n".join(["shop,date,y", *rows]) + "\n")
        few = ("--horizon", "3", "--data.groups", "total", "--training.choice", "0", "--path.model", "g.safetensors")
        rare = self.train("rare.csv", *few).err
        self.assertIn("loss negative_binomial", rare)
        self.assertNotIn(self.MEDIANS, rare)
        self.assertNotIn(self.MEDIANS, self.said("forecast", "g.safetensors", "rare.csv", "--path.forecast", "f.csv"))
        dense = self.train("dense.csv", *few).err
        self.assertEqual(dense.count('training.loss = "quantile" forecasts medians, ' + self.MEDIANS), 1)
        self.assertNotIn(self.MEDIANS, self.said("forecast", "g.safetensors", "dense.csv", "--path.forecast", "f.csv"))
        self.assertIn('training.loss = "quantile" forecasts medians, ', self.said("check", "g.safetensors", "dense.csv"))
        self.assertIn('training.loss = "auto" forecasts medians of all but rare counts, ',
                      self.said("check", "dense.csv", "--data.groups", "total"))
        named = self.train("dense.csv", *few, "--training.loss", "mae").err
        self.assertEqual(named.count('training.loss = "mae" forecasts medians, '), 1)

    def test_intervals_that_no_calibration_mends_are_told_of_with_what_to_try(self):
        noise = [(day * 7919) % 1000 for day in range(200)]  # of no season
        self.daily("visits.csv", 200, value=lambda day: 10_000_000 + 1000 * noise[day])
        said = self.train("visits.csv", "--horizon", "3", "--training.loss", "poisson", "--training.choice", "0").err
        self.assertRegex(said, r"\nintervals of 80 % stay too narrow: they need \d+ times the width, 5 is the most\n"
                               r'try training.loss = "negative_binomial", which has a spread of its own\n')


if __name__ == "__main__":
    unittest.main()
