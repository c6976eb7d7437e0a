"""Levels and scales as maps u = v s - o, in ONNX's operators: what model_space.cpp (fill_level) and
window_rows.hpp (window_map) compute. Sums are in double, and run in the engine's order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._onnx_graph import DOUBLE, FLOAT, INT64, Graph, Operand, Shape

Map = tuple[Operand | None, Operand]    # s and o; s None: 1

LEVEL_FLOOR = 0.02    # model_space.cpp, kLevelFloor
ASINH_SLOPE = 4.0    # model/spec.hpp, kAsinhSlope
_STEP: Shape = ["N", "M"]    # what a step of a scan takes and gives


def smoothed(g: Graph, values: str, shape: str, alpha: float, fallback: float) -> str:
    """Exponential smoothing of values [P, N, M] whose first steps are plain means, in double.
    shape: N, M."""
    rate = np.float64(np.float32(alpha))
    body = Graph("smoothing_")
    state, age, x = (body.input(f"smoothing_{n}", DOUBLE, _STEP) for n in ("state", "age", "x"))
    missing = body.op("IsNaN", x)
    older = body.op("Add", age, body.cast(body.op("Not", missing), DOUBLE))
    weight = body.op("Max", rate, body.op("Div", np.float64(1),
                                           body.op("Max", older, np.float64(1))))
    step = body.op("Mul", weight, body.op("Sub", x, state))
    new = body.op("Where", missing, state, body.op("Add", state, step))
    known = body.op("Greater", older, np.float64(0))
    body.output(new, "smoothing_new", DOUBLE, _STEP)
    body.output(older, "smoothing_older", DOUBLE, _STEP)
    body.output(body.op("Where", known, new, np.float64(fallback)), "smoothing_out", DOUBLE, _STEP)
    return g.scan(body, [_all(g, shape, 0), _all(g, shape, 0)], [values], 1)[0]


def trailing_mean(g: Graph, values: str, shape: str, window: int, floor: float | None = 0,
                  first: float = 1) -> str:
    """Mean of the last `window` values, `floor` at least; where there is none, that of before, and
    in front of all `first`."""
    gap = g.op("Expand", np.float64("nan"),
               g.op("Concat", np.array([window], np.int64), shape, axis=0))
    leaving = g.slice(g.op("Concat", gap, values, axis=0), 0, -window)
    body = Graph("mean_")
    total, count, level, x, old = (body.input(f"mean_{n}", DOUBLE, _STEP)
                                   for n in ("sum", "count", "level", "x", "old"))

    def add(sign: str, value: str, total: str, count: str) -> tuple[str, str]:
        missing = body.op("IsNaN", value)
        size = body.op("Where", missing, np.float64(0), value)
        return (body.op(sign, total, size),
                body.op(sign, count, body.cast(body.op("Not", missing), DOUBLE)))

    total, count = add("Sub", old, *add("Add", x, total, count))
    mean = body.op("Div", total, body.op("Max", count, np.float64(1)))
    some = body.op("Greater", count, np.float64(0))
    kept = mean if floor is None else body.op("Max", mean, np.float64(floor))
    level = body.op("Where", some, kept, level)
    for value, name in ((total, "new_sum"), (count, "new_count"), (level, "new_level"),
                        (level, "out")):
        body.output(value, f"mean_{name}", DOUBLE, _STEP)
    return g.scan(body, [_all(g, shape, 0), _all(g, shape, 0), _all(g, shape, first)], [values, leaving], 1)[0]


def value_at(g: Graph, v: str, space: str) -> str:
    """The value in units of the scale that stands at v, in double."""
    if space == "log":
        return g.op("Exp", v)
    if space == "asinh":  # sinh is there for float alone
        twice = g.op("Sub", g.op("Exp", v), g.op("Exp", g.op("Neg", v)))
        return g.op("Mul", twice, np.float64(0.5 / ASINH_SLOPE))
    return v


def level_map(g: Graph, v: str, shape: str, spec: dict[str, Any]) -> Map:
    """(s, o) [P, N, M] of each step by the level there; s None: 1."""
    space = spec["space"]
    size = value_at(g, g.cast(v, DOUBLE), space)
    if space != "log":
        size = g.op("Abs", size)
    if spec["level"] == "smoothing":
        size = g.cast(g.cast(size, FLOAT), DOUBLE)
        level = smoothed(g, size, shape, spec["smoothing_alpha"], 1.0)
    else:
        level = trailing_mean(g, size, shape, spec["level_window"])
    if space == "log":
        return None, g.cast(g.op("Log", g.op("Max", level, np.float64(1e-30))), FLOAT)
    if space == "asinh":
        return None, g.op("Asinh", g.cast(g.op("Mul", level, np.float64(ASINH_SLOPE)), FLOAT))
    inverse = g.op("Div", np.float64(1), g.op("Add", level, np.float64(LEVEL_FLOOR)))
    return g.cast(inverse, FLOAT), np.float32(1)


def window_map(g: Graph, v: str, kind: str, T: int) -> Map:
    """(s, o) [1, N, M] of windows [T, N, M] by their own values."""
    values = g.cast(v, DOUBLE)
    missing = g.op("IsNaN", values)
    axis = np.array([0], np.int64)
    known = g.op("ReduceSum", g.cast(g.op("Not", missing), DOUBLE), axis)
    count = g.op("Max", known, np.float64(1))

    def mean(x: Operand) -> str:
        return g.op("Div", g.op("ReduceSum", g.op("Where", missing, np.float64(0), x), axis), count)

    centre: Operand
    if kind == "mean":
        centre, spread = np.float64(0), mean(g.op("Abs", values))
    elif kind == "standard":
        centre = mean(values)
        variance = g.op("Sub", mean(g.op("Mul", values, values)), g.op("Mul", centre, centre))
        spread = g.op("Sqrt", g.op("Max", variance, np.float64(0)))
    else:
        high = g.op("Where", missing, np.float64("inf"), values)
        ordered, _ = g.ops(2, "TopK", high, np.array([T], np.int64), axis=0, largest=0, sorted=1)
        last = g.op("Sub", count, np.float64(1))
        low, centre, high = (
            g.op("GatherElements", ordered, g.cast(g.op("Floor", g.op("Mul", last, np.float64(q))),
                                                   INT64), axis=0) for q in (0.25, 0.5, 0.75))
        spread = g.op("Div", g.op("Sub", high, low), np.float64(1.349))
    some = g.op("Greater", known, np.float64(0))
    centre = g.op("Where", some, centre, np.float64(0))
    spread = g.op("Where", some, spread, np.float64(1))
    wide = g.op("And", g.op("Greater", spread, g.op("Mul", g.op("Abs", centre), np.float64(1e-6))),
                g.op("Greater", spread, np.float64(1e-37)))
    spread = g.op("Where", wide, spread, np.float64(1))
    return (g.cast(g.op("Div", np.float64(1), spread), FLOAT),
            g.cast(g.op("Div", centre, spread), FLOAT))


def _all(g: Graph, shape: str, value: float) -> str:
    return g.op("Expand", np.float64(value), shape)
