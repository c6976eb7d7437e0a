"""The graph of one model: all that the engine does to a window (host/engine/shared: model_space.cpp,
window_rows.hpp), in ONNX's operators.

Time is the first axis, as in the engine: y [P, N, M], of which the last step is the forecast's
origin. Members share all but their parameters.
"""

from __future__ import annotations

import functools
import json
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from ._model_file import ModelFile, Tensors
from ._onnx_base import Seasons, smoothed_values
from ._onnx_covariates import Covariates
from ._onnx_graph import (BOOL, DOUBLE, FLOAT, INT64, OPSET, STRING, Graph, Operand, Shape, calendar_size,
                          calendar_terms, gates_of)
from ._onnx_level import ASINH_SLOPE, level_map, value_at, window_map
from ._onnx_patches import Patches
from ._onnx_stretch import Stretch
from .errors import ConfigError

INPUT_LIMIT = 10.0    # window_rows.hpp, kInputLimit
NO_LOGARITHM = 10     # left_out.cpp, kFew: one of so many values
_NAN = np.float32("nan")


class Export:
    """One graph. Shapes are those of one time step, [N, M], behind the steps: [P, N, M]."""

    def __init__(self, model: ModelFile, probabilities: list[float], by_series: bool, words: bool):
        self.model, self.probabilities = model, probabilities
        self.by_series, self.words = by_series, words
        self.spec = s = model.spec
        self.g = Graph()
        self.T, self.K, self.M = s["T"], s["K"], s["M"]
        self.log = s["space"] == "log"

    def build(self) -> onnx.ModelProto:
        g, s, M = self.g, self.spec, self.M
        raw = g.transpose(g.input("y", DOUBLE, ["N", "history", M]), 1, 0, 2)
        length = g.input("length", INT64, ["N"])
        self.read_scaling()
        raw = g.pad_front(raw, self.steps_needed(), np.float64("nan"), 3)
        steps = g.size(raw, 0)
        # [P, N]: the step of the series that a row is; below 0 before its first one.
        self.step = g.op("Sub", g.unsqueeze(g.op("Range", np.int64(0), g.op("Squeeze", steps),
                                                 np.int64(1)), 1),
                         g.unsqueeze(g.op("Sub", steps, length), 0))
        begun = g.unsqueeze(g.op("GreaterOrEqual", self.step, np.int64(0)), 2)
        self.patches = Patches(g, g.last(begun, self.T), self.T, s["patch"])
        raw = g.op("Where", begun, raw, np.float64("nan"))
        self.shape = g.slice(g.op("Shape", raw), 1)  # N, M
        scaled = g.cast(g.op("Div", g.op("Sub", raw, self.target_offset), self.target_scale), FLOAT)
        self.v = scaled
        if self.log:
            positive = g.op("Greater", scaled, 0.0)
            self.v = g.op("Where", positive, g.op("Log", scaled), _NAN)
        elif s["space"] == "asinh":
            self.v = g.op("Asinh", g.op("Mul", scaled, np.float32(ASINH_SLOPE)))
        self.s: Operand | None = None
        self.o: Operand | None = None  # [P, N, M], or [1, N, M] of a window; None: 1 and 0
        if s["window_scaling"] != "none":
            self.s, self.o = window_map(g, g.last(self.v, self.T), s["window_scaling"], self.T)
        elif s["level"] != "none":
            self.s, self.o = level_map(g, self.v, self.shape, s)

        self.read_covariates()
        x = g.op("Where", self.patches.begun, self.inputs_of_patches(), 0.0)
        context, base = self.context(), self.base()
        results = [self.member(self.with_tables(x, context, parameters), parameters, base)
                   for parameters in map(self.model.member, range(self.model.member_count))]
        mean = results[0]
        if len(results) > 1:
            mean = g.op("Mul", functools.reduce(lambda a, b: g.op("Add", a, b), results),
                        np.float64(1 / len(results)))
        self.write(self.finish(mean, raw, scaled))
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", 3)]
        built = helper.make_model(g.proto("sluice"), opset_imports=opsets, producer_name="sluice")
        built.ir_version = helper.find_min_ir_version_for(opsets)
        helper.set_model_props(built, {"sluice": json.dumps(self.description())})
        onnx.checker.check_model(built)
        return built

    def description(self) -> dict[str, Any]:
        """What a caller must know of names and codes, as the graph's metadata `sluice`."""
        names, spec = self.model.names, self.spec
        past = spec["M"] + spec["past_channels"]
        steps = len(self.step_tables(False))
        out = {"probabilities": self.probabilities, "horizon": self.K,
               "history": self.history(),
               "targets": names["channels"][:spec["M"]], "past": names["channels"][spec["M"]:past],
               "future": names["channels"][past:], "static": names["statics"],
               "static_categories": names["categories"],
               "past_categories": names["step_categories"][:steps],
               "future_categories": names["step_categories"][steps:],
               "frequency": self.model.frequency}
        if self.by_series and not self.words:
            out["series"] = self.model.series_ids
        if not self.words:
            out["vocabularies"] = {
                name: self.model.words(f"{kind}vocabulary.{e}")
                for kind, group in (("", "categories"), ("step_", "step_categories"))
                for e, name in enumerate(names[group])}
        return out

    def steps_needed(self) -> int:
        """Steps that are looked at by their place, the series' or in front of it."""
        s = self.spec
        back = max([0, *s["lags"], s["base_season"] if s["level_change"] else 0])
        return int(max(self.T + back, s["context"], s["seasonal_context"], self.base_season()))

    def history(self) -> int | None:
        """The last steps of a history without gaps that make the forecast; None: all do."""
        s = self.spec
        if "smoothing" in (s["level"], s["base"]) or s["base"] == "trend":
            return None
        counted = self.encoded(self.M, s["past_channels"] + s["future_channels"])
        of_inputs = counted is not None and any(counted.have_level)
        window = s["level_window"] - 1 if s["level"] == "mean" or of_inputs else 0
        change = s["base_season"] if s["level_change"] else 0
        return int(max(self.steps_needed(), self.T + window + change))

    # Inputs ------------------------------------------------------------------------------------

    def read_scaling(self) -> None:
        """Offsets and scales [N, channels] in double; NaN of a series that the model does not
        know, which makes its forecast NaN."""
        g, tensors = self.g, self.model.tensors
        if not self.by_series:
            channels = len(self.model.names["channels"])
            offset = g.input("offset", DOUBLE, ["N", channels])
            scale = g.input("scale", DOUBLE, ["N", channels])
        else:
            offsets = tensors["scaling.offset"].T.astype(np.float64)
            scales = tensors["scaling.scale"].T.astype(np.float64)
            if "series.value_offset" in tensors:
                offsets[:, :self.M] += tensors["series.value_offset"].T
            if "scaling.fitted" in tensors:
                scales[~tensors["scaling.fitted"].T.astype(bool).all(axis=1)] = np.nan
            unknown = np.full((1, scales.shape[1]), np.nan)
            series = self.codes("series", ["N"], [self.model.series_ids], unknown=len(scales))[0]
            # Whatever is no index of a trained series is the row of an unknown one.
            known = g.op("And", g.op("GreaterOrEqual", series, np.int64(0)),
                         g.op("Less", series, np.int64(len(scales))))
            series = g.op("Where", known, series, np.int64(len(scales)))
            offset = g.op("Gather", np.vstack([offsets, unknown]), series)
            scale = g.op("Gather", np.vstack([scales, unknown]), series)
        self.target_offset = g.slice(offset, 0, self.M, axis=1)
        self.target_scale = g.slice(scale, 0, self.M, axis=1)
        self.scaling = offset, scale

    def codes(self, name: str, shape: Shape, vocabularies: list[list[str]],
              unknown: int = 0) -> list[str]:
        """An input of codes or words; gives the codes of each vocabulary, along the last axis."""
        g = self.g
        several = len(shape) > 1
        given = g.input(name, STRING if self.words else INT64, shape)
        out = []
        for e, vocabulary in enumerate(vocabularies):
            column = g.op("Gather", given, np.int64(e), axis=len(shape) - 1) if several else given
            if self.words:
                column = g.op("LabelEncoder", column, domain="ai.onnx.ml",
                              keys_strings=_utf8(name, vocabulary),
                              values_int64s=list(range(len(vocabulary))), default_int64=unknown)
            out.append(column)
        return out

    def step_tables(self, future: bool) -> list[int]:
        return [e for e, table in enumerate(self.spec["step_embeddings"])
                if table["future"] == future]

    def read_covariates(self) -> None:
        """Past and future channels as the LSTM and the head see them, statics and codes."""
        g, s, T, K = self.g, self.spec, self.T, self.K
        # As the LSTM sees the last T steps, and the head those of the horizon.
        self.past = self.future = self.ahead = self.static = None
        if s["past_channels"]:
            given = g.input("past", DOUBLE, ["N", "past_steps", s["past_channels"]])
            self.past, _ = self.covariates(given, self.M, s["past_channels"], 0)
        if s["future_channels"]:
            given = g.input("future", DOUBLE, ["N", "future_steps", s["future_channels"]])
            self.future, self.ahead = self.covariates(given, self.M + s["past_channels"],
                                                      s["future_channels"], K)
        if s["static_reals"]:
            given = g.cast(g.input("static", DOUBLE, ["N", s["static_reals"]]), FLOAT)
            tensors = self.model.tensors
            standard = g.op("Div", g.op("Sub", given, tensors["scaling.static_offset"]),
                            tensors["scaling.static_scale"])
            self.static = g.zero_if_missing(standard)
        self.static_codes = []
        if s["embeddings"]:
            self.static_codes = self.codes(
                "static_categories", ["N", len(s["embeddings"])],
                [self.model.words(f"vocabulary.{e}") for e in range(len(s["embeddings"]))])
        self.step_codes = []  # past ones [T, N], then future ones [T + K, N]
        for name, tables, steps in (("past_categories", self.step_tables(False), T),
                                    ("future_categories", self.step_tables(True), T + K)):
            if not tables:
                continue
            columns = self.codes(name, ["N", name.replace("categories", "category_steps"), len(tables)],
                                 [self.model.words(f"step_vocabulary.{e}") for e in tables])
            for column in columns:
                column = g.pad_front(g.transpose(column, 1, 0), steps, np.int64(0), 2)
                self.step_codes.append(g.last(column, steps))

    def covariates(self, given: str, first: int, count: int, ahead: int) -> tuple[str, str]:
        """Inputs at the last T steps, and at `ahead` steps after them as the last one sees them."""
        g, T = self.g, self.T
        maps = self.encoded(first, count)
        steps = T + ahead
        back = self.spec["level_window"] if maps and any(maps.have_level) else 0
        values = g.pad_front(g.transpose(given, 1, 0, 2), steps + back, np.float64("nan"), 3)
        if maps is None:
            offset, scale = (g.slice(x, first, first + count, axis=1) for x in self.scaling)
            scaled = g.op("Div", g.op("Sub", g.last(values, steps), offset), scale)
            whole = self.input_value(g.cast(scaled, FLOAT))
            return g.slice(whole, 0, T), g.last(whole, ahead) if ahead else whole
        encoded = maps.values(g, values)
        level = maps.levels(g, encoded, self.spec["level_window"])
        seen, counted = g.last(encoded, T, ahead), g.last(level, T, ahead)
        if not ahead:
            past = maps.inputs(g, seen, counted)
            return past, past
        past = maps.inputs(g, seen, self.patches.as_at_ends(counted))
        return past, maps.inputs(g, g.last(encoded, ahead), g.last(level, 1, ahead))

    def encoded(self, first: int, count: int) -> Covariates | None:
        """The maps of channels that hold for all series; None: each series has its own."""
        if "covariates" not in self.model.metadata:
            return None
        begin = first - self.M
        words = json.loads(self.model.metadata["covariates"])["encodings"]
        return Covariates(words[begin:begin + count],
                          self.model.tensors["covariates.map"][begin:begin + count])

    # Maps of steps and windows ------------------------------------------------------------------

    def affine(self, steps: int) -> tuple[Operand | None, Operand | None]:
        """(s, o) of the last steps; None where the map is 1 or 0."""
        whole = self.spec["window_scaling"] != "none"
        s, o = (x if whole or not isinstance(x, str) else self.g.last(x, steps) for x in (self.s, self.o))
        return s, o

    def on_level(self, values: str, affine: tuple[Operand | None, Operand | None]) -> str:
        s, o = affine
        if s is not None:
            values = self.g.op("Mul", values, s)
        return values if o is None else self.g.op("Sub", values, o)

    def input_value(self, u: str) -> str:
        return self.g.op("Clip", self.g.zero_if_missing(u), -INPUT_LIMIT, INPUT_LIMIT)

    # What the LSTM and the head see -------------------------------------------------------------

    def inputs_of_patches(self) -> str:
        """x [T / patch, N, C] but for the tables, which members have for themselves."""
        g, s, T = self.g, self.spec, self.T
        affine = self.affine(T)
        now = g.last(self.v, T)
        whole = s["window_scaling"] != "none"
        scale, shift = (x if whole or not isinstance(x, str) else self.patches.as_at_ends(x) for x in affine)
        of_patch = scale, shift
        features = [self.patches.of_steps(self.input_value(self.on_level(now, of_patch)))]
        if s["missing_indicator"]:
            features.append(self.patches.of_steps(g.cast(g.op("IsNaN", now), FLOAT)))
        for lag in s["lags"]:
            seen = self.input_value(self.on_level(g.last(self.v, T, lag), of_patch))
            features.append(self.patches.of_steps(seen))
        if s["base"] == "trend":
            drift = self.seasons().input(s["smoothing_alpha"], s["trend_damping"], self.K)
            carried = self.input_value(self.on_level(g.last(drift, T), (affine[0], None)))
            features.append(g.unsqueeze(self.patches.ends(carried), 3))
        if s["level_input"] or s["level_change"]:
            # They come with a level alone (spec.hpp), which gives s or, in log and asinh space, o.
            assert self.o is not None
            level = self.o if self.s is None else g.op("Neg", g.op("Log", self.s))
            if s["space"] == "asinh":
                level = g.op("Sub", level, np.float32(np.log(2 * ASINH_SLOPE)))
            level = g.op("Add", level, g.op("Log", g.cast(self.target_scale, FLOAT)))
            current = g.last(level, T)
            if s["level_input"]:
                mean, spread = self.model.tensors["level"]
                of_level = g.op("Div", g.op("Sub", current, mean), spread)
                features.append(g.unsqueeze(self.patches.ends(of_level), 3))
            if s["level_change"]:
                season = s["base_season"]
                change = g.op("Sub", current, g.last(level, T, season))
                old = g.unsqueeze(g.op("GreaterOrEqual", g.last(self.step, T), np.int64(season)), 2)
                features.append(g.unsqueeze(self.patches.ends(g.op("Where", old, change, 0.0)), 3))
        # Of a target after the other.
        columns = [g.reshape(g.op("Concat", *features, axis=3), 0, 0, -1)]
        for channels in (self.past, self.future):
            if channels:
                columns.append(g.reshape(self.patches.of_steps(channels), 0, 0, -1))
        if s["calendar"]:
            unit = self.model.frequency["unit"]
            if not 0 < s["calendar"] <= calendar_size(unit):
                raise ConfigError(f"the model has {s['calendar']} calendar terms, and steps of a "
                                 f"{unit} have {calendar_size(unit)}; it is of another version")
            time = g.input("time", INT64, ["N"])
            terms = calendar_terms(g, self.model.frequency, time, T)
            # A model without the terms of the year, the last ones, has the first ones.
            terms = g.slice(terms, 0, s["calendar"], axis=2)
            columns.append(self.patches.ends(terms))
        if self.static:
            columns.append(self.patches.at_each(self.static))
        return g.op("Concat", *columns, axis=2)

    def context(self) -> list[str]:
        """What the head sees beside h, [N, ...] each, but for the tables."""
        g, s, K = self.g, self.spec, self.K
        affine, parts = self.affine(1), []
        for m in range(self.M):
            for count, order in ((s["context"], None), (s["seasonal_context"], self.season_order())):
                if not count:
                    continue
                seen = self.input_value(self.on_level(g.last(self.v, count), affine))
                seen = g.transpose(g.op("Gather", seen, np.int64(m), axis=2), 1, 0)
                parts.append(seen if order is None else g.op("Gather", seen, order, axis=1))
        if self.ahead:
            ahead = g.transpose(self.ahead, 1, 2, 0)
            parts.append(g.reshape(ahead, 0, s["future_channels"] * K))
        if self.static:
            parts.append(self.static)
        return parts

    def season_order(self) -> NDArray[np.int64] | None:
        """Of the last season's values, that of each horizon step: again and again."""
        season = self.spec["seasonal_context"]
        return np.arange(self.K, dtype=np.int64) % season if season else None

    def base(self) -> str | None:
        """u that the network corrects: [N, 1 or K, M], or None for 0."""
        g, s, kind = self.g, self.spec, self.spec["base"]
        if kind == "none":
            return None
        if kind == "smoothing":
            values = g.last(smoothed_values(g, self.v, self.shape, s["smoothing_alpha"]), 1)
        else:
            seasons = self.seasons()
            values = seasons.last()
            if kind != "last":
                values = g.op("Gather", values, seasons.of_horizon(self.K))
            if kind == "trend":
                trend = seasons.trend(s["smoothing_alpha"], s["trend_damping"], self.K)
                values = g.op("Add", values, trend)
        return g.transpose(g.zero_if_missing(self.on_level(values, self.affine(1))), 1, 0, 2)

    @functools.cache
    def seasons(self) -> Seasons:
        return Seasons(self.g, self.v, self.shape, self.base_season())

    def base_season(self) -> int:
        return int(self.spec["base_season"]) if self.spec["base"] in ("seasonal", "trend") else 1

    # One member --------------------------------------------------------------------------------

    def with_tables(self, x: str, context: list[str], parameters: Tensors) -> tuple[str, str | None]:
        """x and context with a member's embeddings behind them."""
        g, T, K = self.g, self.T, self.K
        columns, words, context = [x], [], list(context)
        for e, codes in enumerate(self.static_codes):
            row = g.op("Gather", parameters[f"embedding.{e}.weight"], codes)
            columns.append(g.op("Where", self.patches.begun, self.patches.at_each(row), 0.0))
            context.append(row)
        for e, codes in enumerate(self.step_codes):
            rows = g.op("Gather", parameters[f"step_embedding.{e}.weight"], codes)
            words.append(g.slice(rows, 0, T))
            if self.spec["step_embeddings"][e]["future"]:
                width = K * self.spec["step_embeddings"][e]["width"]
                context.append(g.reshape(g.transpose(g.last(rows, K), 1, 0, 2), -1, width))
        if words:  # all tables of a step, one step of a patch after the other
            columns.append(self.patches.step_by_step(g.op("Concat", *words, axis=2)))
        if len(columns) > 1:
            x = g.op("Concat", *columns, axis=2)
        return x, g.op("Concat", *context, axis=1) if context else None

    def member(self, seen: tuple[str, str | None], parameters: Tensors, base: str | None) -> str:
        """The forecast of one member in the data's units, [N, K, M, J] in double."""
        g, s, H = self.g, self.spec, self.spec["H"]
        x, context = seen
        for layer in range(s["L"]):
            names = (f"lstm.weight_ih_l{layer}", f"lstm.weight_hh_l{layer}")
            W, R = (gates_of(parameters[name], H)[None] for name in names)
            bias = parameters[f"lstm.bias_ih_l{layer}"]
            second = parameters.get(f"lstm.bias_hh_l{layer}", np.zeros_like(bias))
            B = np.concatenate([gates_of(bias, H), gates_of(second, H)])[None]
            all_h, last_h, _ = g.ops(3, "LSTM", x, W, R, B, hidden_size=H)
            x = g.op("Squeeze", all_h, np.array([1], np.int64))
        z = g.op("Squeeze", last_h, np.array([0], np.int64))
        if context:
            z = g.op("Concat", z, context, axis=1)
        if s["head_hidden"]:
            z = g.op("Relu", g.op("Gemm", z, parameters["hidden.weight"], parameters["hidden.bias"],
                                  transB=1))
        z = g.op("Gemm", z, parameters["linear.weight"], parameters["linear.bias"], transB=1)
        u = g.reshape(z, -1, self.K, self.M, parameters["linear.bias"].size // (self.K * self.M))
        if base:
            u = g.op("Add", u, g.unsqueeze(base, 3))
        return self.to_y(self.quantiles(u))

    def quantiles(self, u: str) -> str:
        """The outputs that are asked for, [N, K, M, J]."""
        if self.spec["loss"] == "quantile":
            have = [np.float32(q) for q in self.spec["quantiles"]]
            places = [have.index(np.float32(p)) for p in self.probabilities]
            return self.g.op("Gather", u, np.array(places, np.int64), axis=3)
        grid = self.model.tensors["residual.probabilities"]
        errors = self.model.tensors["residual.quantiles"]
        moved = np.zeros((self.K, self.M, len(self.probabilities)), np.float32)
        for j, p in enumerate(self.probabilities):
            if p == 0.5:
                continue
            high = min(int(np.searchsorted(grid, p)), len(grid) - 1)
            low = high - 1 if high > 0 and grid[high] > p else high
            part = np.float32((p - grid[low]) / (grid[high] - grid[low]) if high > low else 0)
            moved[..., j] = errors[..., low] + part * (errors[..., high] - errors[..., low])
        return self.g.op("Add", u, moved)

    def to_y(self, u: str) -> str:
        g = self.g
        s, o = self.affine(1)
        if o is not None:
            u = g.op("Add", u, self.beside_horizon(o))
        if s is not None:
            u = g.op("Div", u, self.beside_horizon(s))
        v = value_at(g, g.cast(u, DOUBLE), self.spec["space"])
        scale, offset = (g.unsqueeze(x, 1, 3) for x in (self.target_scale, self.target_offset))
        return g.op("Add", g.op("Mul", v, scale), offset)

    def beside_horizon(self, x: Operand) -> Operand:
        """Of [1, N, M] the [N, 1, M, 1]."""
        return self.g.unsqueeze(self.g.transpose(x, 1, 0, 2), 3) if isinstance(x, str) else x

    # After the members --------------------------------------------------------------------------

    def finish(self, y: str, raw: str, scaled: str) -> str:
        """Quantiles in order, y >= 0 where that holds, NaN where the engine gives no forecast."""
        g, J = self.g, len(self.probabilities)
        if J > 1:
            y, _ = g.ops(2, "TopK", y, np.array([J], np.int64), axis=3, largest=0, sorted=1)
        rule = self.model.config["forecast"]["nonnegative"]
        never: Operand | None = np.array(True) if rule is True else None
        if rule == "auto":
            axis = np.array([0], np.int64)
            below = g.cast(g.op("Less", raw, np.float64(0)), INT64)  # NaN is not
            never = self.beside_horizon(g.op("Equal", g.op("ReduceMax", below, axis), np.int64(0)))
        if never is not None:
            y = g.op("Where", never, g.op("Max", y, np.float64(0)), y)
        if J > 1 and "stretch.probabilities" in self.model.tensors:
            y = Stretch(g, self.model.tensors, self.probabilities).moved(y, never)
        return g.op("Where", self.can_forecast(raw, scaled), y, np.float64("nan"))

    def can_forecast(self, raw: str, scaled: str) -> str:
        """[N, 1, 1, 1]: whether every target has a value and, in log space, all but a few of the
        window's values a logarithm."""
        g, axis = self.g, np.array([0], np.int64)
        given = g.cast(g.op("Not", g.op("IsNaN", raw)), INT64)
        good = g.op("Greater", g.op("ReduceSum", given, axis), np.int64(0))
        if self.log:
            known = g.op("ReduceSum", g.last(given, self.T), axis)
            low = g.cast(g.op("LessOrEqual", g.last(scaled, self.T), 0.0), INT64)
            without = g.op("Mul", g.op("ReduceSum", low, axis), np.int64(NO_LOGARITHM))
            good = g.op("And", good, g.op("LessOrEqual", without, known))
        # Of all targets: [1, N, M] -> [N, 1, 1, 1].
        worst = g.op("ReduceMin", g.cast(good, INT64), np.array([2], np.int64))
        return g.cast(g.unsqueeze(g.transpose(worst, 1, 0, 2), 3), BOOL)

    def write(self, quantiles: str) -> None:
        g = self.g
        middle = np.int64(self.probabilities.index(0.5))
        g.output(g.op("Gather", quantiles, middle, axis=3), "forecast", DOUBLE,
                 ["N", self.K, self.M])
        g.output(quantiles, "quantiles", DOUBLE, ["N", self.K, self.M, len(self.probabilities)])


def _utf8(name: str, words: list[str]) -> list[str]:
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError as error:
            raise ConfigError(f"{name}: {ascii(word)} is not UTF-8, which texts of ONNX are; export "
                             "with words = False") from error
    return words
