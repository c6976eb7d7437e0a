"""A model and the data it forecasts, as the program reads them and as its ONNX graph takes them."""
import csv
import datetime

import numpy as np
import onnxruntime
from package import ROOT  # noqa: F401 (makes program and sluice importable)
from program import Program
from sluice.onnx import to_onnx

# The promise. A forecast near zero is a difference of numbers as large as the series' values, so
# the error is relative to a tenth of those where the forecast is smaller.
RELATIVE = 1e-5
SMALLEST = 0.1
EPOCH = datetime.datetime(1970, 1, 1)


def session(graph):
    """Of a graph's file, or of its bytes."""
    given = graph if isinstance(graph, bytes) else str(graph)
    return onnxruntime.InferenceSession(given, providers=["CPUExecutionProvider"])


class OnnxCase(Program):
    def assert_same(self, got, expected, size):
        """got, expected [N, ...]; size [N]: how large the values of each series are."""
        self.assertEqual(got.shape, expected.shape)
        self.assertTrue(np.isfinite(expected).all())
        size = np.reshape(size, (-1,) + (1,) * (expected.ndim - 1))
        error = np.abs(got - expected) / np.maximum(np.abs(expected), SMALLEST * size)
        self.assertFalse(np.isnan(got).any(), "the graph forecasts NaN")
        self.assertLess(error.max(), RELATIVE)

    def forecast(self, *arguments, targets=("y",)):
        """What `sluice forecast` writes: {id: [K, M, columns]}, and the columns' names."""
        self.ok("forecast", *arguments, "--path.forecast", "forecast.csv", "--engine.threads", "1")
        with open(self.folder / "forecast.csv", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        names = [name for name in rows[0] if name.startswith("sluice")]
        found = {}
        for row in rows:
            of_target = found.setdefault(row.get("unique_id", ""), {})
            of_target.setdefault(row.get("target", targets[0]), []).append(
                [float(row[name]) for name in names])
        return {key: np.array([each[t] for t in targets]).transpose(1, 0, 2)
                for key, each in found.items()}, names

    def compare(self, inputs, ids, *arguments, model="runs/model.safetensors", targets=("y",),
                **options):
        """Exports the model, runs it on `inputs` of the series `ids`, and compares all of its
        quantiles with the program's forecasts."""
        path = self.folder / "model.onnx"
        to_onnx(self.folder / model, path, **options)
        graph = session(path)
        wanted = {each.name for each in graph.get_inputs()}
        forecast, quantiles = graph.run(None, {k: v for k, v in inputs.items() if k in wanted})
        expected, names = self.forecast(*arguments, targets=targets)
        self.assertEqual(set(ids), set(expected))
        expected = np.array([expected[i] for i in ids])
        sizes = np.nanmean(np.abs(inputs["y"]), axis=(1, 2))
        self.assert_same(forecast, expected[..., names.index("sluice")], sizes)
        # The program's columns are the median, then lo and hi of each level.
        in_order = np.sort(expected, axis=3)
        self.assert_same(quantiles, in_order, sizes)
        self.assertGreater(np.ptp(expected), 0)
        return forecast, quantiles


def seconds(text):
    return int((datetime.datetime.fromisoformat(text) - EPOCH).total_seconds())


def right_aligned(series, fill=np.nan):
    """[N, T, columns] of series of different lengths, [t, columns] each, and their lengths."""
    longest = max(map(len, series))
    kind = np.asarray(series[0]).dtype
    out = np.full((len(series), longest) + np.shape(series[0])[1:], fill, kind)
    for n, each in enumerate(series):
        out[n, longest - len(each):] = each
    return out, np.array([len(each) for each in series], np.int64)


class Shops:
    """A few shops of a chain, each open since another day: values with gaps, inputs of all kinds."""

    SKIES, DAYS = ["", "rain", "sun", "snow"], ["", "none", "fair", "feast"]

    def __init__(self, times, horizon, lengths=(60, 41, 17, 9), seed=1, positive=True, negative=False):
        self.rng = np.random.default_rng(seed)
        self.times, self.horizon = times, horizon  # of the history, then of the horizon
        end = len(times) - horizon
        self.ids = [f"shop{n}" for n in range(len(lengths))]
        self.kinds = ["town", "village", "town", "town"][:len(lengths)]
        self.areas = [120.0, 40.5, 300.0, 77.0][:len(lengths)]
        self.parts = []
        for n, length in enumerate(lengths):
            total = length + horizon
            t = np.arange(total)
            y = (n + 1) * 20 * (1 + 0.3 * np.sin(2 * np.pi * t / 7)) + self.rng.normal(0, 3, total)
            y = np.abs(y) + 0.5 if positive else np.where(self.rng.random(total) < 0.4, 0, y)
            y = y - 30 if negative else y
            second = 3 * y + self.rng.normal(0, 2, total)
            y, second = np.round(y, 2), np.round(np.abs(second) + 0.5 if positive else second, 2)
            targets = np.stack([y, second], 1)
            if length > 12:
                targets[[length - 1, length - 4, length - 8], 0] = np.nan
                targets[3:6, 1] = np.nan
            self.parts.append({
                "first": end - length, "length": length, "targets": targets[:length],
                "past": np.round(self.rng.normal(100, 30, (length, 1)), 1),
                "future": np.stack([np.round(5 + self.rng.random(total), 2),
                                    (self.rng.random(total) < 0.3) * 1.0], 1),
                "sky": self.rng.integers(1, 4, length), "day": self.rng.integers(1, 4, total)})

    COLUMNS = ("id", "ds", "y", "visitors", "guests", "price", "promo", "sky", "day", "kind", "area")

    def write(self, folder):
        lines, ahead = [",".join(self.COLUMNS)], ["id,ds,price,promo,day"]
        for n, part in enumerate(self.parts):
            for i in range(part["length"] + self.horizon):
                time, day = self.times[part["first"] + i], self.DAYS[part["day"][i]]
                price, promo = part["future"][i]
                if i >= part["length"]:
                    ahead.append(f"{self.ids[n]},{time},{price},{promo:g},{day}")
                    continue
                y, second = ("" if np.isnan(v) else f"{v}" for v in part["targets"][i])
                lines.append(f"{self.ids[n]},{time},{y},{second},{part['past'][i, 0]},{price},"
                             f"{promo:g},{self.SKIES[part['sky'][i]]},{day},{self.kinds[n]},"
                             f"{self.areas[n]}")
        (folder / "shops.csv").write_text("\n".join(lines) + "\n")
        (folder / "ahead.csv").write_text("\n".join(ahead) + "\n")

    def inputs(self, targets=1, words=False):
        """All that a graph of this data may ask for, of all shops."""
        y, length = right_aligned([p["targets"][:, :targets] for p in self.parts])
        past, _ = right_aligned([p["past"] for p in self.parts])
        future, _ = right_aligned([p["future"] for p in self.parts])
        sky, _ = right_aligned([p["sky"] for p in self.parts], 0)
        day, _ = right_aligned([p["day"] for p in self.parts], 0)
        last = self.times[len(self.times) - self.horizon - 1]
        out = {"y": y, "length": length, "past": past, "future": future,
               "static": np.array(self.areas)[:, None],
               "series": np.arange(len(self.ids)),
               "time": np.full(len(self.ids), seconds(str(last)), np.int64)}
        if words:
            out |= {"series": np.array(self.ids, object),
                    "static_categories": np.array(self.kinds, object)[:, None],
                    "past_categories": np.array(self.SKIES, object)[sky][:, :, None],
                    "future_categories": np.array(self.DAYS, object)[day][:, :, None]}
        return out

    def coded(self, inputs, description):
        """The same inputs with words as the codes that the graph's description gives them."""
        out = dict(inputs)
        out["series"] = np.array([description["series"].index(i) for i in inputs["series"]])
        for kind in ("static_categories", "past_categories", "future_categories"):
            if description[kind]:
                words = description["vocabularies"][description[kind][0]]
                out[kind] = np.vectorize(lambda w, v=words: v.index(w) if w in v else 0)(
                    inputs[kind]).astype(np.int64)
        return out


def grid_of_days(count, start="2024-01-01"):
    first = datetime.date.fromisoformat(start)
    return [first + datetime.timedelta(i) for i in range(count)]
