"""Covariates by what they hold (host/data/covariates.cpp), in ONNX's operators. Values are [P, N, channels]."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._onnx_graph import DOUBLE, FLOAT, Graph
from ._onnx_level import trailing_mean


@dataclass(frozen=True)
class Covariates:
    """The maps of some channels: offset, scale, low and high of each, and its encoding."""

    encodings: list[str]
    numbers: NDArray[np.float32]  # [channels, 4]

    @property
    def have_level(self) -> list[bool]:
        return [encoding in ("ratio", "difference") for encoding in self.encodings]

    def values(self, g: Graph, given: str) -> str:
        """Encoded values, of floats, before their level is taken off; NaN where there is none."""
        columns = [self._value(g, g.slice(given, c, c + 1, axis=2), encoding, *self.numbers[c, :2].astype(np.float64))
                   for c, encoding in enumerate(self.encodings)]
        return g.cast(functools.reduce(lambda a, b: g.op("Concat", a, b, axis=2), columns), FLOAT)

    @staticmethod
    def _value(g: Graph, x: str, encoding: str, offset: np.float64, scale: np.float64) -> str:
        if encoding == "ratio":
            positive = g.op("Greater", x, np.float64(0))
            one = g.op("Where", positive, g.op("Log", x), np.float64("nan"))
        elif encoding == "amount":
            some = g.op("Where", g.op("Less", x, np.float64(0)), np.float64(0), x)
            one = g.op("Log", g.op("Add", np.float64(1), g.op("Div", some, offset)))
        else:
            one = g.op("Sub", x, offset)
        return g.op("Div", one, scale)

    def levels(self, g: Graph, values: str, window: int) -> str:
        """What each step's values are counted from: the mean of the last `window`, or 0."""
        shape = g.slice(g.op("Shape", values), 1)
        means = g.cast(trailing_mean(g, g.cast(values, DOUBLE), shape, window, floor=None, first=np.nan), FLOAT)
        return g.op("Where", np.array(self.have_level), means, np.float32(0))

    def inputs(self, g: Graph, values: str, level: str) -> str:
        u = g.zero_if_missing(g.op("Sub", values, level))
        return g.op("Max", g.op("Min", u, self.numbers[:, 3]), self.numbers[:, 2])
