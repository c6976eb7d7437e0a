"""Calibrated intervals in an ONNX graph, as host/run/calibration/intervals.cpp has them."""

from __future__ import annotations

import statistics

import numpy as np
from numpy.typing import NDArray

from ._model_file import Tensors
from ._onnx_graph import INT64, Graph, Operand


class Stretch:
    """Moves quantiles [N, K, M, J] away from their median by the factors of their step and group."""

    def __init__(self, graph: Graph, tensors: Tensors, probabilities: list[float]):
        self.g, self.tensors, self.probabilities = graph, tensors, probabilities

    def moved(self, y: str, never: Operand | None) -> str:
        """In order again. 0 stays where `never` ([N, 1, M, 1]; none: nowhere) says that no value is below."""
        g, J = self.g, len(self.probabilities)
        factors: Operand = self.factors("stretch.factors")[:, None]
        by = next((by for by in ("size", "width") if f"stretch.{by}_bounds" in self.tensors), None)
        if by:
            at_least = g.op("GreaterOrEqual", self.trait(by, y), self.tensors[f"stretch.{by}_bounds"])
            group = g.op("ReduceSum", g.cast(at_least, INT64), np.array([3], np.int64), keepdims=0)  # [N, 1, M]
            factors = g.op("Mul", g.op("Gather", self.factors("stretch.groups"), group, axis=0), factors)
        median = self.output(y, 0.5)
        away = g.op("Add", median, g.op("Mul", g.op("Sub", y, median), factors))
        if never is not None:
            zero = np.float64(0)
            kept = g.op("Where", g.op("Greater", y, zero), g.op("Max", away, zero), zero)
            away = g.op("Where", never, kept, away)
        away, _ = g.ops(2, "TopK", away, np.array([J], np.int64), axis=3, largest=0, sorted=1)
        return away

    def factors(self, name: str) -> NDArray[np.float64]:
        """[rows, levels] as [rows, J]."""
        grid, given = self.tensors["stretch.probabilities"], self.tensors[name]
        out = np.ones((len(given), len(self.probabilities)))
        for j, p in enumerate(self.probabilities):
            side = (grid < 0.5) if p < 0.5 else (grid > 0.5)  # they have nothing to do with each other
            if p != 0.5 and side.any():
                out[:, j] = [np.interp(p, grid[side], row[side]) for row in given]
        return out

    def output(self, y: str, p: float) -> str:
        return self.g.op("Gather", y, np.array([self.probabilities.index(p)], np.int64), axis=3)

    def trait(self, by: str, y: str) -> str:
        """[N, 1, M, 1]: what groups of forecasts are made by."""
        g, steps = self.g, np.array([1], np.int64)
        size = g.op("ReduceMean", g.op("Abs", self.output(y, 0.5)), steps)
        if by == "size":
            return size
        low, high = (min(self.probabilities, key=lambda p: abs(p - wanted)) for wanted in (0.1, 0.9))
        normal = statistics.NormalDist()
        width = g.op("ReduceMean", g.op("Sub", self.output(y, high), self.output(y, low)), steps)
        width = g.op("Div", width, np.float64(normal.inv_cdf(high) - normal.inv_cdf(low)))
        there = g.op("Greater", size, np.float64(0))
        largest = np.float64(np.finfo(np.float64).max)
        flat = g.op("Where", g.op("Greater", width, np.float64(0)), largest, np.float64(0))
        return g.op("Where", there, g.op("Div", width, g.op("Where", there, size, np.float64(1))), flat)
