"""Every configuration that is shipped gives a graph that forecasts as the program does, on made-up
data of the columns that it is for."""
import contextlib
import csv
import datetime
import io
import os
import re
import unittest
import unittest.mock

try:
    import onnx  # noqa: F401
    import onnxruntime  # noqa: F401
except ImportError as missing:
    raise unittest.SkipTest(f"{missing}; pip install -r python/requirements-onnx.txt") from missing

import numpy as np
from onnx_case import ROOT, OnnxCase, right_aligned, seconds

import sluice
from sluice._model_file import read_model
from sluice.onnx import to_onnx


class Configs(OnnxCase):
    def setUp(self):
        super().setUp()
        self.tested = None

    def train_config(self, name, *more):
        self.config = ROOT / "configs" / f"{name}.toml"
        self.model = f"runs/{name}/model.safetensors"
        self.more = more
        self.ok("train", self.config, *more, "--training.steps", "30", "--engine.threads", "1",
                "--training.partners", "none", "--engine.device", "cpu", timeout=110)
        return read_model(self.folder / self.model)

    def check(self, inputs, ids, targets=("y",)):
        self.compare(inputs, ids, self.config, *self.more, model=self.model, targets=targets,
                     words=True)

    def rows(self, name):
        with open(self.folder / name, encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    def test_hourly(self):
        rng = np.random.default_rng(3)
        series = []
        for n, length in enumerate((700, 520, 301)):
            t = np.arange(length)
            day = 1 + 0.4 * np.sin(2 * np.pi * t / 24) + 0.1 * np.sin(2 * np.pi * t / 168)
            series.append(np.round((100 + 50 * n) * day + rng.normal(0, 4, length), 1))
        head = ("@relation M4\n@attribute series_name string\n@attribute start_timestamp date\n"
                "@frequency hourly\n@horizon 48\n@missing false\n@equallength false\n@data\n")
        self.write("m4_hourly_dataset.tsf", head + "".join(
            f"T{n + 1}:2015-07-01 12-00-00:{','.join(map(str, y))}\n" for n, y in enumerate(series)))
        model = self.train_config("hourly")
        y, length = right_aligned([each[:, None] for each in series])
        ids = model.series_ids
        self.assertEqual(ids, ["T1", "T2", "T3"])
        self.check({"y": y, "length": length, "series": np.array(ids, object)}, ids)

    def test_article(self):
        self.ok("simulate", "Data.csv", "--schema", "article")
        model = self.train_config("article")
        rows, names = self.rows("Data.csv"), model.names["channels"]
        values = np.array([[float(row[name]) for name in names] for row in rows])[None]
        ids = model.series_ids
        inputs = {"y": values[..., :1], "past": values[..., 1:], "length": np.array([len(rows)]),
                  "series": np.array(ids, object)}
        self.assertEqual(len(names), 14)
        found, _ = self.forecast(self.config)
        self.check(inputs, list(found), targets=("y",))

    def test_shop(self):
        self.ok("simulate", "Data.csv", "--schema", "article")
        model = self.train_config("shop")
        rows, ids = self.rows("Data.csv"), model.series_ids
        y = np.array([[float(row[name]) for row in rows] for name in ids])[..., None]
        self.assertEqual((len(ids), model.member_count), (14, 5))
        last = datetime.datetime.strptime(rows[-1]["日期"], "%Y/%m/%d").isoformat()
        self.check({"y": y, "length": np.full(14, len(rows)), "series": np.array(ids, object),
                    "static_categories": np.array(ids, object)[:, None],
                    "time": np.full(14, seconds(last))}, ids)

    def test_catalog(self):
        self.ok("simulate", "demo/catalog.csv", "--stores", "2", "--items", "3", "--days", "230")
        model = self.train_config("catalog")
        history, ahead = self.rows("demo/catalog.csv"), self.rows("demo/catalog.future.csv")
        ids, known = model.series_ids, ("price", "promotion", "holiday")
        y, future, words = [], [], []
        for name in ids:
            own = [row for row in history if row["unique_id"] == name]
            both = own + [row for row in ahead if row["unique_id"] == name]
            y.append(np.array([[float(row["y"])] for row in own]))
            future.append(np.array([[float(row[c]) for c in known] for row in both]))
            words.append([own[0]["store"], own[0]["item"]])
        y, length = right_aligned(y)
        self.assertEqual(model.names["channels"], ["y", *known])
        self.check({"y": y, "length": length, "future": right_aligned(future)[0],
                    "series": np.array(ids, object), "static_categories": np.array(words, object),
                    "time": np.full(len(ids), seconds(max(row["ds"] for row in history)))}, ids)

    def check_longer_steps(self, name, file, days, start, first_day_of, known=()):
        """Daily rows that the configuration adds up to steps, which the graph gets as they are."""
        self.ok("simulate", f"demo/{file}.csv", "--stores", "1", "--items", "4", "--start", start, "--days", str(days),
                "--future-days", "400")
        model = self.train_config(name)
        steps = {}
        for row in self.rows(f"demo/{file}.csv") + [{**row, "y": None} for row in self.rows(f"demo/{file}.future.csv")]:
            step = first_day_of(datetime.date.fromisoformat(row["ds"]))
            steps.setdefault(row["unique_id"], {}).setdefault(step, []).append(row)
        ids, y, future, words, last = model.series_ids, [], [], [], None
        for series in ids:
            own = sorted(steps[series].items())
            past = [(step, rows) for step, rows in own if rows[0]["y"] is not None]
            last = past[-1][0]
            y.append(np.array([[sum(float(row["y"]) for row in rows)] for _, rows in past]))
            future.append(np.array([[np.mean([float(row[c]) for row in rows]) for c in known] for _, rows in own]))
            words.append([own[0][1][0]["store"], own[0][1][0]["item"]])
        y, length = right_aligned(y)
        inputs = {"y": y, "length": length, "series": np.array(ids, object),
                  "static_categories": np.array(words, object), "time": np.full(len(ids), seconds(last.isoformat()))}
        if known:
            ahead = [rows[:n + model.spec["K"]] for rows, n in zip(future, length)]
            inputs["future"] = right_aligned(ahead)[0]
        self.check(inputs, ids)

    def test_weekly(self):
        self.check_longer_steps("weekly", "days", 735, "2023-01-02", known=("price", "promotion"),
                                first_day_of=lambda day: day + datetime.timedelta(6 - day.weekday()))  # its Sunday

    def test_monthly(self):
        self.check_longer_steps("monthly", "months", 2191, "2018-01-01", lambda day: day.replace(day=1),
                                ("price", "promotion"))

    def test_quarterly(self):
        self.check_longer_steps("quarterly", "quarters", 4017, "2013-01-01",
                                lambda day: day.replace(month=1 + (day.month - 1) // 3 * 3, day=1))

    def test_yearly(self):
        self.check_longer_steps("yearly", "years", 5478, "2009-01-01", lambda day: day.replace(month=1, day=1))

    def test_walmart(self):
        rng = np.random.default_rng(5)
        days, items = 260, [f"FOODS_{1 + n % 2}_{n:03}" for n in range(4)]
        sold = rng.poisson(np.array([[0.4], [2], [7], [15]]), (4, days))
        sold[1, :40] = 0
        lines = ["item_id,dept_id," + ",".join(f"d_{i + 1}" for i in range(days))]
        lines += [f"{item},{item[:7]},{','.join(map(str, row))}" for item, row in zip(items, sold)]
        self.write("sales_train_evaluation.CA_1_FOODS.csv", "\n".join(lines) + "\n")
        model = self.train_config("walmart")
        ids = model.series_ids
        last = datetime.datetime(2011, 1, 29) + datetime.timedelta(days - 1)
        self.check({"y": sold[..., None].astype(np.float64), "length": np.full(4, days),
                    "series": np.array(ids, object),
                    "static_categories": np.array([[i[:7]] for i in items], object),
                    "time": np.full(4, seconds(last.isoformat()))}, ids)

    def test_no_configuration_is_left_out(self):
        shipped = {path.stem for path in (ROOT / "configs").glob("*.toml")}
        self.assertEqual(shipped, {name[len("test_"):] for name in dir(self)
                                   if f"{name[len('test_'):]}" in shipped})

    def test_the_example_of_the_documentation_forecasts_as_the_program(self):
        text = (ROOT / "docs/onnx.md").read_text()
        commands, code = re.findall(r"```(?:sh|python)\n(sluice simulate.*?|import csv.*?)```", text, re.S)
        (self.folder / "configs").symlink_to(ROOT / "configs")
        for command in commands.splitlines():
            small = ["--training.steps", "30"] if " train " in command else []
            self.ok(*command.split()[1:], *small)
        here = os.getcwd()
        self.addCleanup(os.chdir, here)
        os.chdir(self.folder)
        said, names = io.StringIO(), {}
        as_the_package_has_it = unittest.mock.patch.object(sluice, "to_onnx", to_onnx, create=True)
        with contextlib.redirect_stdout(said), as_the_package_has_it:
            exec(compile(code, "docs/onnx.md", "exec"), names)
        self.assertEqual(names["quantiles"].shape, (1, 28, 1, 3))
        self.assertIn(f"{names['forecast'][0, 0, 0]:.4g}"[:4], said.getvalue())
        expected, columns = self.forecast("configs/catalog.toml")
        size = np.array([np.mean([float(row["y"]) for row in names["history"]])])
        self.assert_same(names["forecast"], expected["S0002/I00001"][None, ..., columns.index("sluice")],
                         size)


if __name__ == "__main__":
    unittest.main()
