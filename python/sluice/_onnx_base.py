"""The values that the network corrects, in ONNX's operators: what model_space.cpp (Drift) and window_rows.hpp
(base_value) compute, before they are put on the level.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._onnx_graph import DOUBLE, FLOAT, Graph, Shape
from ._onnx_level import smoothed

_PLACES: Shape = ["season", "N", "M"]    # what a step of a scan over seasons takes and gives


def _damped(damping: float, horizon: int) -> NDArray[np.float32]:
    """phi + phi^2 + .. + phi^k of each step k of the horizon."""
    powers = np.float64(np.float32(damping)) ** np.arange(1, horizon + 1)
    return np.cumsum(powers).astype(np.float32)


def smoothed_values(g: Graph, v: str, shape: str, alpha: float) -> str:
    """Of steps v [P, N, M] the smoothed value as of each one."""
    return g.cast(smoothed(g, g.cast(v, DOUBLE), shape, alpha, 0.0), FLOAT)


class Seasons:
    """Steps v [P, N, M] as whole seasons behind each other. shape: N, M."""

    def __init__(self, g: Graph, v: str, shape: str, season: int):
        self.g, self.shape, self.season = g, shape, season
        more = g.op("Mod", g.op("Neg", g.size(v, 0)), np.int64(season))
        padded = g.op("Pad", v, g.op("Concat", more, np.zeros(5, np.int64), axis=0), np.float32("nan"))
        self.values = g.op("Reshape", padded,
                           g.op("Concat", np.array([-1, season], np.int64), shape, axis=0))
        self.count = g.op("Squeeze", g.size(self.values, 0))
        number = g.op("Range", np.int64(0), self.count, np.int64(1))
        known = g.op("Where", g.op("IsNaN", self.values), np.int64(0), g.unsqueeze(number, 1, 2, 3))
        # [1, season, N, M]: the last season that has a value at this place; the first where none has.
        self.newest = g.op("ReduceMax", known, np.array([0], np.int64))

    def last(self) -> str:
        """Of each place the last value, [season, N, M]."""
        return self._squeeze(self.g.op("GatherElements", self.values, self.newest, axis=0))

    def ago(self) -> str:
        """So many steps before the last step those are, [season, N, M]."""
        g, season = self.g, self.season
        seasons = g.op("Sub", g.op("Sub", self.count, np.int64(1)), self._squeeze(self.newest))
        place = np.arange(season - 1, -1, -1, dtype=np.int64)[:, None, None]
        return g.cast(g.op("Add", g.op("Mul", seasons, np.int64(season)), place), FLOAT)

    @functools.cache
    def drift(self, alpha: float) -> str:
        """Smoothed change a step over whole seasons as of each step, [season * seasons, N, M]."""
        g = self.g
        body = Graph("drift_")
        value, steps, x = (body.input(f"drift_{n}", FLOAT, _PLACES) for n in ("value", "steps", "x"))
        missing = body.op("IsNaN", x)
        one = np.float32(self.season)
        body.output(body.op("Where", missing, value, x), "drift_new_value", FLOAT, _PLACES)
        body.output(body.op("Where", missing, body.op("Add", steps, one), one), "drift_new_steps", FLOAT,
                    _PLACES)
        change = body.op("Div", body.op("Sub", x, value), steps)  # NaN where one of the two is missing
        body.output(change, "drift_change", FLOAT, _PLACES)
        places = g.op("Concat", np.array([self.season], np.int64), self.shape, axis=0)
        states = [g.op("Expand", np.float32(first), places) for first in (float("nan"), self.season)]
        changes = g.scan(body, states, [self.values], 1)[0]
        changes = g.op("Reshape", changes, g.op("Concat", np.array([-1], np.int64), self.shape, axis=0))
        return smoothed_values(g, changes, self.shape, alpha)

    def trend(self, alpha: float, damping: float, horizon: int) -> str:
        """Of each step of the horizon what the drift adds to the last value of its place, [K, N, M]."""
        g = self.g
        ago = g.op("Gather", self.ago(), self.of_horizon(horizon))
        drifts = g.op("Add", ago, _damped(damping, horizon)[:, None, None])
        return g.op("Mul", g.last(self.drift(alpha), 1), drifts)

    def input(self, alpha: float, damping: float, horizon: int) -> str:
        """What the LSTM sees of the drift at each step, off the level: how far it carries the last season in all."""
        return self.g.op("Mul", self.drift(alpha), np.float32(self.season) + _damped(damping, horizon)[-1])

    def of_horizon(self, horizon: int) -> Any:
        """The place of each step of the horizon."""
        return np.arange(horizon, dtype=np.int64) % self.season

    def _squeeze(self, x: str) -> str:
        return self.g.op("Squeeze", x, np.array([0], np.int64))
