"""ONNX graphs forecast as the program does: every branch of what it does to a window.

With Python's unittest or pytest; SLUICE_PROGRAM is the built program.
"""
import datetime
import json
import unittest

try:
    import onnx
    import onnxruntime  # noqa: F401
except ImportError as missing:
    raise unittest.SkipTest(f"{missing}; pip install -r python/requirements-onnx.txt") from missing

import numpy as np
from onnx_case import OnnxCase, Shops, grid_of_days, session
from sluice._model_file import ModelFileError, read_model, write_model
from sluice._onnx_graph import FLOAT, INT64, OPSET, Graph, calendar_terms
from sluice.onnx import fit_scaling, to_onnx

HORIZON = 5
# Every choice that a setting "auto" would make is made here; a test changes what it is about.
PLAIN = {"network.time_step": 14, "network.predict_day": HORIZON, "network.hidden_size": 6,
         "network.head_hidden": 0, "network.scaling": "auto", "network.space": "linear",
         "network.level": "none", "network.base": "none", "network.lags": "", "network.context": 0,
         "network.seasonal_context": 0, "network.forking": "true", "network.level_input": "false",
         "network.level_change": "false", "network.calendar": "false", "training.steps": 30,
         "training.partners": "none", "data.valid": 0, "data.end": "common", "data.id": "id", "data.time": "ds",
         "engine.threads": 1, "engine.device": "cpu"}
RICH = {"data.past": "guests", "data.future": "price,promo", "data.static_reals": "area",
        "data.static_categories": "kind", "data.past_categories": "sky",
        "data.future_categories": "day", "path.future": "ahead.csv"}
LEVEL = {"network.level": "smoothing", "network.smoothing_alpha": 0.3}
MODEL = "runs/model.safetensors"


class Trained(OnnxCase):
    def train_on(self, shops, settings, targets=("y",)):
        shops.write(self.folder)
        settings = {**PLAIN, "data.targets": ",".join(targets), **settings}
        return self.ok("train", "shops.csv",
                       *(x for key, value in settings.items() for x in (f"--{key}", value)))

    def check(self, settings, shops=None, targets=("y",), words=True, arguments=(), **options):
        """Trains on the shops with the settings, and compares the graph with the program."""
        shops = shops or Shops(grid_of_days(60 + HORIZON), HORIZON)
        self.train_on(shops, settings, targets)
        inputs = shops.inputs(len(targets), words=True)
        if not words:
            to_onnx(self.folder / MODEL, self.folder / "codes.onnx")
            inputs = shops.coded(inputs, description(self.folder / "codes.onnx"))
        return self.compare(inputs, shops.ids, MODEL, "shops.csv", *arguments, targets=targets,
                            words=words, **options)

    def spec(self):
        return read_model(self.folder / MODEL).spec

    def run_graph(self, name, inputs):
        graph = session(self.folder / name)
        wanted = {each.name for each in graph.get_inputs()}
        return graph.run(["forecast"], {k: v for k, v in inputs.items() if k in wanted})[0]


def description(path):
    """What the graph tells of itself."""
    return json.loads({each.key: each.value for each in onnx.load(path).metadata_props}["sluice"])


class Window(Trained):
    """What is done to a window: each branch of the engine, and some of them together."""

    def test_every_space_level_and_base_is_in_the_graph(self):
        for space in ("linear", "log", "asinh"):
            for level in ("none", "mean", "smoothing"):
                for base in ("none", "last", "seasonal", "smoothing", "trend"):
                    with self.subTest(space=space, level=level, base=base):
                        self.check({"network.space": space, "network.level": level,
                                    "network.level_window": 9, "network.smoothing_alpha": 0.2,
                                    "network.base": base, "network.base_season": 3,
                                    "network.lags": "7,10"})
                        spec = self.spec()
                        self.assertEqual((spec["space"], spec["level"], spec["base"]),
                                         (space, level, base))
                        self.assertTrue(spec["missing_indicator"])

    def test_a_gap_longer_than_all_windows_is_bridged(self):
        shops = Shops(grid_of_days(65), HORIZON)
        shops.parts[0]["targets"][-16:-1, 0] = np.nan
        shops.parts[1]["targets"][-11:, 0] = np.nan
        for space in ("linear", "log"):
            for level in ("mean", "smoothing"):
                for base in ("last", "seasonal", "trend"):
                    with self.subTest(space=space, level=level, base=base):
                        self.check({"network.space": space, "network.level": level,
                                    "network.level_window": 5, "network.base": base,
                                    "network.base_season": 4, "network.level_change": "true"},
                                   shops=shops)

    def test_the_lstm_may_take_patches_of_steps(self):
        for patch, more in ((7, {"network.calendar": "true", "network.level": "mean", "network.space": "log"}),
                            (2, {"network.scaling": "window_mean", "network.forking": "false", "network.level": "none"}),
                            (14, {"network.level": "smoothing", "network.base": "trend", "network.base_season": 3})):
            with self.subTest(patch=patch):
                self.check({"network.patch": patch, "network.lags": "7,10", "network.level_window": 9,
                            "network.base": "last", "network.context": 3, **RICH, **more},
                           targets=("y", "visitors"))
                self.assertEqual(self.spec()["patch"], patch)
                self.assertTrue(self.spec()["missing_indicator"])

    def test_patches_know_the_level_at_their_end(self):
        self.check({**LEVEL, "network.patch": 7, "network.level_input": "true", "network.level_change": "true",
                    "network.base_season": 4, "network.covariate_scaling": "standard", **RICH})

    def test_windows_may_be_scaled_by_themselves(self):
        for scaling in ("mean", "standard", "robust"):
            for base in ("none", "last", "seasonal", "trend"):
                with self.subTest(scaling=scaling, base=base):
                    self.check({"network.scaling": f"window_{scaling}", "network.forking": "false",
                                "network.base": base, "network.base_season": 7,
                                "network.context": 3})
                    self.assertEqual(self.spec()["window_scaling"], scaling)

    def test_every_scaling_of_series_is_undone(self):
        for scaling in ("none", "standard", "robust", "mean"):
            with self.subTest(scaling=scaling):
                self.check({"network.scaling": scaling, "network.covariate_scaling": scaling, **RICH})

    def test_the_level_is_an_input_and_its_change_too(self):
        for space in ("linear", "log"):
            with self.subTest(space=space):
                self.check({**LEVEL, "network.space": space, "network.level_input": "true",
                            "network.level_change": "true", "network.base_season": 4})
                self.assertTrue(self.spec()["level_input"] and self.spec()["level_change"])

    def test_the_head_sees_the_last_values_and_those_of_the_season(self):
        for season in (3, 5, 20):  # shorter than the horizon, as long, longer than a whole series
            with self.subTest(season=season):
                for base in ("seasonal", "trend"):
                    self.check({**LEVEL, "network.context": 16, "network.seasonal_context": season,
                                "network.base": base, "network.base_season": season,
                                "network.head_hidden": 7})

    def test_inputs_of_all_kinds_are_read(self):
        for words in (False, True):
            with self.subTest(words=words):
                self.check({**LEVEL, **RICH}, words=words)
                self.assertEqual(len(self.spec()["step_embeddings"]), 2)

    def test_several_targets_are_forecast(self):
        self.check({**LEVEL, "network.lags": "7", "network.context": 3,
                    "network.seasonal_context": 4, "network.base": "seasonal",
                    "network.base_season": 3, "network.level_input": "true", **RICH},
                   targets=("y", "visitors"))

    def test_layers_and_members_are_all_there(self):
        self.check({**LEVEL, "network.layers": 3, "training.seeds": 3, "network.head_hidden": 5})
        self.assertEqual(read_model(self.folder / MODEL).member_count, 3)

    def test_everything_at_once(self):
        self.check({"network.space": "log", "network.level": "mean", "network.level_window": 9,
                    "network.lags": "7,10", "network.context": 4, "network.seasonal_context": 3,
                    "network.base": "seasonal", "network.base_season": 3,
                    "network.level_input": "true", "network.level_change": "true",
                    "network.calendar": "true", "network.head_hidden": 7, "network.layers": 2,
                    "training.seeds": 2, **RICH}, targets=("y", "visitors"))

    def test_the_calendar_is_in_the_graph(self):
        minutes = [f"2024-02-27 {h:02}:{m:02}:00" for h in range(20) for m in range(0, 60, 15)]
        hours = [str(datetime.datetime(2023, 12, 29) + datetime.timedelta(hours=h))
                 for h in range(65)]
        months = [datetime.date(2020 + i // 12, i % 12 + 1, 1) for i in range(65)]
        ends = [datetime.date(2020 + (i + 1) // 12, (i + 1) % 12 + 1, 1) - datetime.timedelta(1)
                for i in range(65)]
        work = [day for day in grid_of_days(91, "2023-12-04") if day.weekday() < 5]
        grids = {"15min": minutes[:65], "h": hours, "B": work, "D": grid_of_days(65, "2024-01-20"),
                 "W-SUN": grid_of_days(65 * 7, "2023-10-01")[::7], "MS": months, "ME": ends,
                 "QS": [datetime.date(1955 + i // 4, 3 * (i % 4) + 1, 1) for i in range(65)],
                 "QE": [datetime.date(1955 + i // 4, 3 * (i % 4) + 1, 1) - datetime.timedelta(1)
                        for i in range(65)],
                 "2W-WED": grid_of_days(65 * 14, "2022-01-05")[::14],
                 "10s": [str(datetime.datetime(2024, 3, 1) + datetime.timedelta(seconds=10 * i))
                         for i in range(65)]}
        for frequency, times in grids.items():
            with self.subTest(frequency=frequency):
                self.assertEqual(len(times), 65)
                self.check({**LEVEL, "network.calendar_year": "true", "network.calendar": "true",
                            "data.frequency": frequency}, shops=Shops(times, HORIZON))
                self.assertGreater(self.spec()["calendar"], 0)

    def test_a_calendar_without_the_time_of_year_is_in_the_graph(self):
        self.check({**LEVEL, "network.calendar_year": "false", "network.calendar": "true"})
        self.assertEqual(self.spec()["calendar"], 6)

    def test_dates_of_all_years_are_right(self):
        dates = [datetime.date(year, month, day) for year in (1, 1600, 1900, 1969, 2000, 2024, 2100, 9998)
                 for month, day in ((1, 1), (2, 28), (3, 1), (7, 9), (12, 30))]
        first = datetime.date(1970, 1, 1)
        time = np.array([(date - first).days * 86400 for date in dates], np.int64)
        g = Graph()
        terms = calendar_terms(g, {"unit": "day", "multiple": 1}, g.input("time", INT64, ["N"]), 1)
        g.output(terms, "terms", FLOAT, None)
        built = onnx.helper.make_model(g.proto("dates"), ir_version=10,
                                       opset_imports=[onnx.helper.make_opsetid("", OPSET)])
        found = session(built.SerializeToString()).run(None, {"time": time})[0][0]
        next_days = [date + datetime.timedelta(1) for date in dates]
        year = [(d.timetuple().tm_yday - 1) / (datetime.date(d.year + 1, 1, 1)
                - datetime.date(d.year, 1, 1)).days for d in next_days]
        angles = [2 * np.pi * k * np.array(place) for place, count in
                  (([d.weekday() / 7 for d in next_days], 3), (year, 1)) for k in range(1, count + 1)]
        expected = np.stack([f(a) for a in angles for f in (np.sin, np.cos)], axis=1)
        np.testing.assert_allclose(found, expected, atol=1e-6)

    def test_values_far_from_zero_keep_their_digits(self):
        shops = Shops(grid_of_days(65), HORIZON)
        for part in shops.parts:
            part["targets"] += 2.0**31
        forecast, _ = self.check({"network.scaling": "standard"}, shops=shops)
        self.assertIn("series.value_offset", read_model(self.folder / MODEL).tensors)
        # Relative to the values' own size, which the offset would hide.
        expected, _ = self.forecast(MODEL, "shops.csv")
        for n, shop in enumerate(shops.ids):
            np.testing.assert_allclose(forecast[n, :, 0], expected[shop][:, 0, 0], atol=1e-3, rtol=0)


class Results(Trained):
    def test_quantiles_are_those_of_the_levels(self):
        self.check({**LEVEL, "forecast.levels": "50,80,95"})
        both = description(self.folder / "model.onnx")["probabilities"]
        self.assertEqual(both, [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975])

    def test_fewer_levels_may_be_asked_for(self):
        _, quantiles = self.check({**LEVEL, "forecast.levels": "50,95"}, level=[50],
                                  arguments=("--forecast.levels", "50"))
        self.assertEqual(quantiles.shape[3], 3)

    def test_quantiles_that_cross_are_put_in_order(self):
        self.train_on(Shops(grid_of_days(65), HORIZON), {**LEVEL, "forecast.levels": "80"})
        model = read_model(self.folder / MODEL)
        bias = model.tensors["linear.bias"].copy()
        bias[::3] += 1  # of the lowest quantile, on the level
        model.tensors["linear.bias"] = bias
        write_model(self.folder / MODEL, model)
        shops = Shops(grid_of_days(65), HORIZON)
        _, quantiles = self.compare(shops.inputs(words=True), shops.ids, MODEL, "shops.csv", words=True)
        self.assertTrue((np.diff(quantiles, axis=3) >= 0).all())

    def test_point_losses_have_the_intervals_of_the_validation_errors(self):
        for loss in ("mse", "mae", "huber"):
            with self.subTest(loss=loss):
                _, quantiles = self.check({**LEVEL, "training.loss": loss, "data.valid": 14,
                                           "forecast.levels": "80,91.3,99.9"})
                self.assertTrue((np.diff(quantiles[..., 1:-1], axis=3) > 0).any())

    def test_calibrated_intervals_are_as_wide_as_the_programs(self):
        shops = Shops(grid_of_days(65), HORIZON)
        self.train_on(shops, {**LEVEL, "forecast.levels": "80,95"})
        plain = self.compare(shops.inputs(words=True), shops.ids, MODEL, "shops.csv", words=True)[1]
        model = read_model(self.folder / MODEL)
        model.tensors["stretch.probabilities"] = np.array([0.025, 0.1, 0.9])  # 97.5 % has the factor of 90 %
        model.tensors["stretch.factors"] = np.linspace(0.5, 2, 3 * HORIZON, dtype=np.float32).reshape(HORIZON, 3)
        write_model(self.folder / MODEL, model)
        stretched = self.compare(shops.inputs(words=True), shops.ids, MODEL, "shops.csv", words=True)[1]
        self.assertGreater(np.abs(stretched - plain).max(), 0.1)
        # Groups by size and by width, some shops in each; 0 stays 0.
        median = plain.shape[3] // 2
        size = np.abs(plain[..., median]).mean(1)
        width = (plain[..., median + 1] - plain[..., median - 1]).mean(1) / 2.5631 / size
        for by, bounds in (("size", np.quantile(size, [0.3, 0.6])), ("width", np.quantile(width, [0.3, 0.6]))):
            with self.subTest(by=by):
                model.tensors.pop("stretch.size_bounds", None)
                model.tensors[f"stretch.{by}_bounds"] = bounds
                model.tensors["stretch.groups"] = np.linspace(0.4, 3, 9, dtype=np.float32).reshape(3, 3)
                write_model(self.folder / MODEL, model)
                grouped = self.compare(shops.inputs(words=True), shops.ids, MODEL, "shops.csv", words=True)[1]
                self.assertGreater(np.abs(grouped - stretched).max(), 0.1)

    def test_forecasts_below_zero_become_zero_where_no_value_was_negative(self):
        negative = {"network.scaling": "standard", "training.steps": 1}
        for shops in ("zeros", "negative"):
            for rule in ("auto", "true", "false"):
                with self.subTest(shops=shops, rule=rule):
                    made = Shops(grid_of_days(65), HORIZON, positive=False,
                                 negative=shops == "negative")
                    self.train_on(made, {**negative, "forecast.nonnegative": rule})
                    model = read_model(self.folder / MODEL)  # which forecasts too little
                    model.tensors["linear.bias"] = model.tensors["linear.bias"] - 2
                    write_model(self.folder / MODEL, model)
                    forecast, _ = self.compare(made.inputs(words=True), made.ids, MODEL, "shops.csv",
                                               words=True)
                    kept = rule == "true" or (rule == "auto" and shops == "zeros")
                    self.assertEqual(forecast.min() == 0, kept)

    def test_series_without_a_forecast_are_nan(self):
        shops = Shops(grid_of_days(65), HORIZON)
        self.train_on(shops, {"network.space": "log", **LEVEL})
        to_onnx(self.folder / MODEL, self.folder / "model.onnx", words=True)
        inputs = shops.inputs(words=True)
        inputs["series"][0] = "another shop"
        inputs["y"][1] = np.nan
        inputs["y"][2, -4:] = 0  # 4 of 14 values without a logarithm
        inputs["y"][3, -5] = 0   # 1 of 9 is more than a tenth, too
        forecast = self.run_graph("model.onnx", inputs)
        self.assertTrue(np.isnan(forecast).all())

    def test_a_few_values_without_a_logarithm_are_missing(self):
        shops = Shops(grid_of_days(65), HORIZON)
        self.train_on(shops, {"network.space": "log", **LEVEL})
        shops.parts[0]["targets"][-2, 0] = 0
        shops.write(self.folder)
        self.compare(shops.inputs(words=True), shops.ids, MODEL, "shops.csv", words=True)


class Inputs(Trained):
    """How history may be given."""

    def setUp(self):
        super().setUp()
        self.shops = Shops(grid_of_days(65), HORIZON)
        self.settings = {**LEVEL, "network.lags": "7", "network.base": "seasonal",
                         "network.base_season": 3, "network.calendar": "true", **RICH}

    def test_what_stands_before_a_series_is_not_read(self):
        self.train_on(self.shops, self.settings)
        to_onnx(self.folder / MODEL, self.folder / "model.onnx", words=True)
        inputs = self.shops.inputs(words=True)
        expected = self.run_graph("model.onnx", inputs)
        longest = max(inputs["length"])
        for key in ("y", "past", "future"):
            for n, steps in enumerate(inputs["length"]):
                inputs[key][n, :longest - steps] = -77
        np.testing.assert_array_equal(self.run_graph("model.onnx", inputs), expected)

    def test_the_last_steps_suffice_where_the_graph_says_so(self):
        for part in self.shops.parts:
            part["targets"] = np.nan_to_num(part["targets"], nan=33.0)
        network = {"network.space": "log", "network.level": "mean", "network.level_window": 9,
                   "network.lags": "7,10", "network.level_change": "true", "network.base_season": 4,
                   "network.base": "seasonal", "network.calendar": "true"}
        self.train_on(self.shops, {**network, **RICH})
        to_onnx(self.folder / MODEL, self.folder / "model.onnx", words=True)
        history = description(self.folder / "model.onnx")["history"]
        self.assertEqual(history, 14 + 8 + 4)
        inputs = self.shops.inputs(words=True)
        expected = self.run_graph("model.onnx", inputs)
        inputs["y"] = inputs["y"][:, -history:]
        np.testing.assert_allclose(self.run_graph("model.onnx", inputs), expected, rtol=1e-5)
        inputs["y"] = inputs["y"][:, 1:]
        self.assertGreater(np.abs(self.run_graph("model.onnx", inputs) - expected).max(), 1e-5)

    def test_one_series_alone_is_forecast_as_among_others(self):
        self.train_on(self.shops, self.settings)
        to_onnx(self.folder / MODEL, self.folder / "model.onnx", words=True)
        inputs = self.shops.inputs(words=True)
        expected = self.run_graph("model.onnx", inputs)
        for n in range(4):
            steps = inputs["length"][n]
            one = {key: value[n:n + 1] for key, value in inputs.items()}
            for key in ("y", "past", "past_categories"):
                one[key] = one[key][:, -steps:]
            for key in ("future", "future_categories"):
                one[key] = one[key][:, -steps - HORIZON:]
            np.testing.assert_allclose(self.run_graph("model.onnx", one)[0], expected[n], rtol=1e-5)

    def test_a_series_that_the_model_does_not_know_is_scaled_by_its_history(self):
        for scaling in ("none", "standard", "robust", "mean"):
            with self.subTest(scaling=scaling):
                self.train_on(self.shops, {**RICH, "network.scaling": scaling,
                                           "network.covariate_scaling": scaling})
                others = Shops(grid_of_days(65), HORIZON, seed=2)
                others.ids = [f"new{n}" for n in range(4)]
                others.write(self.folder)
                inputs = others.inputs(words=True)
                inputs["offset"], inputs["scale"] = fit_scaling(
                    self.folder / MODEL, inputs["y"], inputs["past"], inputs["future"])
                self.compare(inputs, others.ids, MODEL, "shops.csv", words=True, scaling="inputs")

    def test_a_series_that_was_not_trained_on_needs_its_own_scaling(self):
        self.train_on(self.shops, {**LEVEL, "data.min_history": 12})
        inputs = self.shops.inputs(words=True)  # the last shop has 9 steps
        to_onnx(self.folder / MODEL, self.folder / "model.onnx", words=True)
        found = np.isnan(self.run_graph("model.onnx", inputs)).all(axis=(1, 2))
        self.assertEqual(found.tolist(), [False, False, False, True])
        model = read_model(self.folder / MODEL)
        inputs["offset"], inputs["scale"] = (model.tensors[f"scaling.{n}"].T.astype(np.float64)
                                             for n in ("offset", "scale"))
        own = fit_scaling(self.folder / MODEL, inputs["y"])
        inputs["offset"][3], inputs["scale"][3] = own[0][3], own[1][3]
        self.compare(inputs, self.shops.ids, MODEL, "shops.csv", words=True, scaling="inputs")

    def test_inputs_may_be_missing(self):
        self.shops.areas[1] = np.nan
        self.shops.parts[0]["past"][[-1, -3]] = np.nan
        self.shops.parts[2]["future"][3:6] = np.nan
        self.shops.parts[0]["sky"][-2:] = 0
        self.check({**LEVEL, **RICH}, shops=self.shops)

    def test_an_unknown_word_is_the_word_unknown(self):
        self.train_on(self.shops, {**LEVEL, **RICH})
        self.shops.kinds[1] = "metropolis"
        self.shops.write(self.folder)
        self.compare(self.shops.inputs(words=True), self.shops.ids, MODEL, "shops.csv", words=True)

    def test_an_object_that_saves_itself_is_a_model(self):
        self.train_on(self.shops, self.settings)
        content = (self.folder / MODEL).read_bytes()

        class Forecaster:
            def save(self, path):
                path.write_bytes(content)

        to_onnx(Forecaster(), self.folder / "a.onnx")
        to_onnx(self.folder / MODEL, self.folder / "b.onnx")
        self.assertEqual((self.folder / "a.onnx").read_bytes(), (self.folder / "b.onnx").read_bytes())


class Refused(Trained):
    def refuses(self, error, text, *arguments, **options):
        with self.assertRaises(error) as raised:
            to_onnx(*arguments, self.folder / "model.onnx", **options)
        self.assertIn(text, str(raised.exception))
        self.assertFalse((self.folder / "model.onnx").exists())

    def test_a_model_that_carries_its_state_is_refused(self):
        self.train_on(Shops(grid_of_days(65), HORIZON),
                      {"training.carry_state": "true", "network.forking": "false"})
        self.refuses(ValueError, "training.carry_state = false to export it", self.folder / MODEL)

    def test_a_recursive_model_is_refused(self):
        self.train_on(Shops(grid_of_days(65), HORIZON),
                      {"network.decoding": "recursive", "training.loss": "gaussian"})
        self.refuses(ValueError, 'network.decoding = "recursive"', self.folder / MODEL)

    def test_a_model_with_partners_is_refused(self):
        self.train_on(Shops(grid_of_days(65), HORIZON), LEVEL)
        model = read_model(self.folder / MODEL)
        names = json.loads(model.metadata["names"])
        model.metadata["names"] = json.dumps({**names, "partners": ["ets+theta"]})
        write_model(self.folder / MODEL, model)
        self.refuses(ValueError, "is a mean with simple methods (ets+theta), which are fitted to each series and are no "
                     'part of a graph; train it with training.partners = ["none"]', self.folder / MODEL)

    def test_a_model_of_a_distribution_is_refused(self):
        self.train_on(Shops(grid_of_days(65), HORIZON), {"training.loss": "student_t"})
        self.refuses(ValueError, "has no operators for the quantiles of a distribution; train it with training.loss = "
                     '"quantile"', self.folder / MODEL)

    def test_levels_that_the_model_lacks_are_refused_with_those_it_has(self):
        self.train_on(Shops(grid_of_days(65), HORIZON), LEVEL)
        self.refuses(ValueError, "asks for the quantile 0.025, and the model has 0.1, 0.5, 0.9",
                     self.folder / MODEL, level=[95])
        self.refuses(ValueError, "level has 0.8; a level is a percentage", self.folder / MODEL, level=0.8)

    def test_a_point_model_without_validation_errors_has_no_intervals(self):
        self.train_on(Shops(grid_of_days(65), HORIZON), {"training.loss": "mse"})
        self.refuses(ValueError, "it has no intervals; set level = []", self.folder / MODEL, level=[80])
        to_onnx(self.folder / MODEL, self.folder / "model.onnx", level=[])

    def test_files_that_are_no_models_are_named(self):
        for content, text in ((b"", "is no safetensors file"), (b"unique_id,ds,y\n1,2,3\n" * 9, "safetensors"),
                              (b"\x02" + b"\0" * 7 + b"{}", "its format is None")):
            path = self.write("other.safetensors", content)
            self.refuses(ModelFileError, text, path)
        self.refuses(ModelFileError, "no.safetensors: cannot be opened (No such file or directory)", "no.safetensors")

    def test_a_model_that_cannot_be_written_leaves_nothing_behind(self):
        self.train_on(Shops(grid_of_days(65), HORIZON), LEVEL)
        (self.folder / "folder").mkdir()
        before = sorted(self.folder.iterdir())
        with self.assertRaises(IsADirectoryError):
            write_model(self.folder / "folder", read_model(self.folder / MODEL))
        self.assertEqual(sorted(self.folder.iterdir()), before)

    def test_a_damaged_model_is_named_and_a_newer_one_too(self):
        self.train_on(Shops(grid_of_days(65), HORIZON), LEVEL)
        whole = (self.folder / MODEL).read_bytes()
        path = self.write("half.safetensors", whole[:len(whole) // 2])
        self.refuses(ModelFileError, "half.safetensors: is no safetensors file", path)
        path = self.write("bit.safetensors", whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
        self.refuses(ModelFileError, "bit.safetensors: it has not the contents that it was written", path)
        unsigned = whole.replace(b'"checksum"', b'"checkson"')
        path = self.write("new.safetensors",
                          unsigned.replace(b'"format_version":"1"', b'"format_version":"9"'))
        self.refuses(ModelFileError, "it is of format 9, and this package knows up to 7; update", path)
        path = self.write("odd.safetensors", unsigned.replace(b'\\"H\\":6', b'\\"H\\":7'))
        self.refuses(ModelFileError, "odd.safetensors: it is damaged or not Sluice's", path)

    def test_other_mistakes_say_what_is_taken(self):
        self.refuses(TypeError, "the path of its file, or an object with save(path)", 7)
        self.refuses(ValueError, "choose 'series'", "m", scaling="rows")


if __name__ == "__main__":
    unittest.main()
