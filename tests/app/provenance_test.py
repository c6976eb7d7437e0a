"""What a model, a forecast and a report say of where they are from."""
import json
import re
import unittest

from program import Program

FLAGS = ("--horizon", "3", "--mode.log_file", "false")
KEYS = ("version", "commit", "compiler", "baseline", "instructions")


def hashes(text):
    """The hashes that `sluice info` shows: of data, settings and model."""
    return {name: found[1] for name in ("data", "settings", "model")
            if (found := re.search(rf"^(?:hash )?of {name} +([0-9a-f]{{16}})$", text, re.MULTILINE))}


class Provenance(Program):
    def setUp(self):
        super().setUp()
        self.daily("sales.csv", 60)
        self.train("sales.csv", *FLAGS, "--path.model", "m.safetensors")

    def forecast(self, name, *arguments):
        return self.ok("forecast", "m.safetensors", "sales.csv", "--path.forecast", name, "--engine.threads", "1",
                       "--mode.log_file", "false", *arguments)

    def test_a_model_has_its_datas_settings_and_programs(self):
        info = self.ok("info", "m.safetensors").out
        first = hashes(info)
        self.assertEqual(set(first), {"data", "settings", "model"})
        self.assertRegex(info, r"\nmade by       sluice \d+\.\d+\.\d+, commit \S+, \w+ [0-9.]+, -march=\S+, \w+\n")
        # Again, elsewhere; then with another seed; then of another day's data.
        self.train("sales.csv", *FLAGS, "--path.model", "again.safetensors")
        self.assertEqual(hashes(self.ok("info", "again.safetensors").out), first)
        self.train("sales.csv", *FLAGS, "--path.model", "other.safetensors", "--training.seed", "7")
        other = hashes(self.ok("info", "other.safetensors").out)
        self.assertEqual({name for name in first if other[name] != first[name]}, {"settings", "model"})
        self.daily("more.csv", 61)
        self.train("more.csv", *FLAGS, "--path.model", "more.safetensors")
        more = hashes(self.ok("info", "more.safetensors").out)
        self.assertEqual({name for name in first if more[name] != first[name]}, {"data", "model"})

    def test_a_forecast_has_them_in_its_file_or_beside_it(self):
        of_model = hashes(self.ok("info", "m.safetensors").out)
        made = {}
        for name in ("f.parquet", "f.arrow", "f.csv"):
            self.forecast(name, *(["--forecast.sidecar", "true"] if name == "f.csv" else []))
            made[name] = self.ok("info", name).out.replace(name, "")
        self.assertEqual(len(set(made.values())), 1, made)
        found = hashes(made["f.csv"])
        self.assertEqual((found["data"], found["model"]), (of_model["data"], of_model["model"]))
        sidecar = json.loads(self.read("f.csv.meta.json"))
        self.assertEqual(list(sidecar), ["program", "data", "settings", "model", "file"])
        self.assertEqual(tuple(sidecar["program"]), KEYS)
        self.assertFalse((self.folder / "f.parquet.meta.json").exists())
        # The same again to the last byte.
        before = [(self.folder / name).read_bytes() for name in ("f.parquet", "f.csv.meta.json")]
        self.forecast("f.parquet"), self.forecast("f.csv", "--forecast.sidecar", "true")
        self.assertEqual([(self.folder / name).read_bytes() for name in ("f.parquet", "f.csv.meta.json")], before)

    def test_what_stands_beside_a_forecast_has_them_too(self):
        self.forecast("f.parquet", "--path.explanation", "why.parquet", "--path.samples", "paths.arrow", "--path.sums", "sums.parquet",
                      "--forecast.sums", "3", "--forecast.samples", "10")
        of_forecast = hashes(self.ok("info", "f.parquet").out)
        self.assertEqual(set(of_forecast), {"data", "settings", "model"})
        for name in ("why.parquet", "paths.arrow", "sums.parquet"):
            self.assertEqual(hashes(self.ok("info", name).out), of_forecast, name)
        self.ok("evaluate", "m.safetensors", "sales.csv", "--path.scores", "scores.parquet", "--mode.log_file", "false",
                "--mode.figures", "false")
        self.assertEqual(hashes(self.ok("info", "scores.parquet").out)["model"], of_forecast["model"])

    def test_a_forecast_in_parts_has_them_in_each(self):
        self.ok("simulate", "s.csv", "--stores", "1", "--items", "3", "--days", "60")
        self.train("s.csv", *FLAGS, "--path.model", "s.safetensors")
        self.ok("forecast", "s.safetensors", "s.csv", "--path.forecast", "f.parquet", "--mode.log_file", "false")
        self.ok("forecast", "s.safetensors", "s.csv", "--path.forecast", "parts [1]/", "--forecast.part_series", "1",
                "--mode.log_file", "false")
        said = self.ok("info", "parts [1]").out
        self.assertEqual(hashes(said), hashes(self.ok("info", "f.parquet").out))
        count = len(list((self.folder / "parts [1]").glob("part-*")))
        self.assertIn(f"\nparts         {count}, complete\n", said)
        first = self.folder / "parts [1]" / "part-00000.parquet"
        whole = first.read_bytes()
        first.write_bytes(b"")
        damaged = self.ok("info", "parts [1]").out
        self.assertIn("damaged       parts [1]/part-00000.parquet; delete it, and forecast again", damaged)
        self.assertEqual(hashes(damaged), hashes(said))
        first.unlink()
        self.assertIn(f"\nparts         {count - 1}; not complete, _manifest.json names {count}\n", self.ok("info", "parts [1]").out)
        first.write_bytes(whole)
        manifest = self.folder / "parts [1]" / "_manifest.json"
        manifest.write_text("{")
        self.assertIn(f"\nparts         {count}; _manifest.json is damaged\n", self.ok("info", "parts [1]").out)
        manifest.unlink()
        self.assertIn(f"\nparts         {count}; not complete, _manifest.json is not there\n", self.ok("info", "parts [1]").out)
        self.assertIn("parts: is not there; name a model", self.sluice("info", "parts").err)
        (self.folder / "none").mkdir()
        result = self.sluice("info", "none")
        self.assertEqual(result.status, 3)
        self.assertIn("none: is a directory without parts of a forecast", result.err)

    def test_data_are_the_same_in_another_format(self):
        self.ok("simulate", "s.csv", "--stores", "1", "--items", "2", "--days", "60")
        self.ok("simulate", "s.parquet", "--stores", "1", "--items", "2", "--days", "60")
        found = []
        for name in ("s.csv", "s.parquet"):
            self.train(name, *FLAGS, "--path.model", "s.safetensors")
            found.append(hashes(self.ok("info", "s.safetensors").out))
        self.assertEqual(found[0], found[1])

    def test_a_sidecar_of_another_file_is_an_error_and_so_is_none(self):
        self.forecast("f.csv")
        result = self.sluice("info", "f.csv")
        self.assertEqual(result.status, 3)
        self.assertIn("f.csv: does not say where it is from, and there is no f.csv.meta.json beside it", result.err)
        self.forecast("f.csv", "--forecast.sidecar", "true")
        self.write("f.csv", self.read("f.csv").replace(",1", ",2", 1))
        result = self.sluice("info", "f.csv")
        self.assertEqual(result.status, 3)
        self.assertIn("f.csv.meta.json: is of another file than f.csv is now", result.err)

    def test_a_sidecar_never_replaces_another_file(self):
        result = self.sluice("forecast", "m.safetensors", "sales.csv", "--path.forecast", "f.csv", "--forecast.sidecar", "true",
                             "--path.samples", "f.csv.meta.json")
        self.assertEqual(result.status, 2)
        self.assertIn("f.csv.meta.json", result.err)
        self.assertFalse((self.folder / "f.csv").exists())

    def test_a_report_has_them_as_json_and_on_its_page(self):
        self.ok("evaluate", "m.safetensors", "sales.csv", "--path.report", "r.json", "--path.html", "r.html", "--mode.log_file", "false",
                "--mode.figures", "false", "--evaluate.methods", "theta", "--data.test", "3")
        found = json.loads(self.read("r.json"))["provenance"]
        of_model = hashes(self.ok("info", "m.safetensors").out)
        self.assertEqual((found["data"], found["model"]), (of_model["data"], of_model["model"]))
        self.assertEqual(tuple(found["program"]), KEYS)
        for one in ("data", "settings", "model"):
            self.assertIn(found[one], self.read("r.html"))

    def test_damaged_metadata_is_an_error_with_the_file(self):
        self.forecast("f.csv", "--forecast.sidecar", "true")
        self.write("f.csv.meta.json", '{"program": {}}')
        result = self.sluice("info", "f.csv")
        self.assertEqual(result.status, 3)
        self.assertIn("f.csv.meta.json: 'version' is not a text; the file is damaged or not Sluice's", result.err)
        self.write("f.parquet", "PAR1 no parquet")
        self.assertEqual(self.sluice("info", "f.parquet").status, 3)


if __name__ == "__main__":
    unittest.main()
