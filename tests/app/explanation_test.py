"""`sluice forecast` with path.explanation: the file of what moved each forecast, and what is refused."""
import csv
import unittest

from program import Program


class Explanation(Program):
    def setUp(self):
        super().setUp()
        self.daily("a.csv", 100, columns="ds,y,price", value=lambda day: f"{10 + day % 7 + 5 * (day % 11 < 2)},{3 - (day % 11 < 2)}")
        self.daily("ahead.csv", 7, columns="ds,price", value=lambda day: 2 if day == 2 else 3, start="2024-04-10")
        self.train("a.csv", "--horizon", "7", "--data.future", "price", "--path.future", "ahead.csv")

    def forecast(self, *arguments):
        return self.sluice("forecast", "runs/model.safetensors", "a.csv", "--path.future", "ahead.csv", *arguments)

    def rows(self, name):
        return list(csv.DictReader(self.read(name).splitlines()))

    def test_every_step_adds_up_to_the_forecast_of_the_other_file(self):
        result = self.forecast("--path.explanation", "why.csv")
        self.assertEqual(result.status, 0, result.err)
        self.assertRegex(result.err, r"explanation: why.csv \(1 series; the integrals miss \S+ % of what they add up to\)")
        rows = self.rows("why.csv")
        self.assertEqual(list(rows[0]), ["unique_id", "ds", "input", "part", "contribution", "forecast", "baseline"])
        inputs = {(row["input"], row["part"]) for row in rows}
        for known in (("y", "1-7 ago"), ("price", "at step"), ("price", "around"), ("calendar", "weekday"), ("rest", "")):
            self.assertIn(known, inputs)
        forecasts = self.rows("runs/forecast.csv")
        self.assertEqual(len(rows), len(forecasts) * len(inputs))
        for forecast in forecasts:
            step = [row for row in rows if row["ds"] == forecast["ds"]]
            total = float(step[0]["baseline"]) + sum(float(row["contribution"]) for row in step)
            self.assertAlmostEqual(total, float(forecast["sluice"]), places=4)
        moved = {row["ds"] for row in rows if (row["input"], row["part"]) == ("price", "at step") and float(row["contribution"])}
        self.assertEqual(moved, {"2024-04-12"})  # the one day whose price is not the usual one

    def test_nothing_is_explained_unless_it_is_asked_for(self):
        result = self.forecast()
        self.assertEqual(result.status, 0, result.err)
        self.assertNotIn("explanation", result.err)

    def test_what_cannot_be_explained_is_refused_with_the_remedy(self):
        for arguments, status, says in (
                (("--explanation.series", "b"), 2, "explanation.series: there is no series 'b'"),
                (("--explanation.points", "0"), 2, "explanation.points"),
                (("--explanation.blocks", "7,7"), 2, "give ascending steps")):
            result = self.forecast("--path.explanation", "why.csv", *arguments)
            self.assertEqual(result.status, status, result.err)
            self.assertIn(says, result.err)
            self.assertFalse((self.folder / "why.csv").exists())
        result = self.forecast("--path.explanation", "why.txt")
        self.assertEqual(result.status, 3, result.err)
        self.assertIn("why.txt", result.err)


if __name__ == "__main__":
    unittest.main()
