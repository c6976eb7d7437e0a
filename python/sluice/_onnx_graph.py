"""A small hand for writing ONNX graphs: operators as calls that give the name of their result.

Times are integers here, too: calendar_terms() is host/data/calendar in ONNX's operators.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

# What an operator takes: the name of a result, a number (float32) or an array (as it is).
Operand = str | float | np.generic | NDArray[Any]
Shape = list[str | int]

# Not the newest: onnxruntime 1.18 has it, and nothing here needs a later one. Operators on
# doubles are those that it knows, too.
OPSET = 21
FLOAT, DOUBLE, INT64, STRING, BOOL = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64,
                                      TensorProto.STRING, TensorProto.BOOL)
_DAY = 86400
_UNIT_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": _DAY, "week": 7 * _DAY}
_UNIT_MONTHS = {"month": 1, "quarter": 3}
# Cycle and number of harmonics, in the order of host/data/calendar/features.cpp.
_TERMS = {
    "second": (("day", 2),),
    "minute": (("day", 2), ("week", 3)),
    "hour": (("day", 2), ("week", 3), ("year", 1)),
    "day": (("week", 3), ("year", 1)),
    "business_day": (("working_week", 2), ("year", 1)),
    "week": (("year", 2),),
    "month": (("month_of_year", 2),),
    "quarter": (("quarter_of_year", 1),),
}


class Graph:
    """Operators are written in order; a name stands for a tensor. Numbers given to op() are taken
    as float, arrays as they are."""

    def __init__(self, prefix: str = ""):
        self._prefix = prefix
        self._count = 0
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []

    def op(self, kind: str, *inputs: Operand, domain: str = "", **attributes: Any) -> str:
        """Adds an operator; gives the name of its result. An input "" is left out."""
        return self.ops(1, kind, *inputs, domain=domain, **attributes)[0]

    def ops(self, outputs: int, kind: str, *inputs: Operand, domain: str = "",
            **attributes: Any) -> list[str]:
        """An operator of several results; gives their names."""
        names = [self._name(kind) for _ in range(outputs)]
        sources = [self.value(x) for x in inputs]
        self.nodes.append(helper.make_node(kind, sources, names, names[0], domain=domain,
                                           **attributes))
        return names

    def value(self, x: Operand) -> str:
        if isinstance(x, str):
            return x
        array = np.asarray(x, np.float32) if type(x) is float else np.asarray(x)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            name = self._name("constant")
            self.initializers.append(numpy_helper.from_array(array, name))
            self._constants[key] = name
        return self._constants[key]

    def input(self, name: str, kind: int, shape: Shape) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, value: str, name: str, kind: int, shape: Shape) -> None:
        self.nodes.append(helper.make_node("Identity", [value], [name], f"give_{name}"))
        self.outputs.append(helper.make_tensor_value_info(name, kind, shape))

    def proto(self, name: str) -> onnx.GraphProto:
        return helper.make_graph(self.nodes, name, self.inputs, self.outputs, self.initializers)

    # What is written more than once.
    def cast(self, x: Operand, kind: int) -> str:
        return self.op("Cast", x, to=kind)

    def slice(self, x: Operand, begin: int, end: int | None = None, axis: int = 0) -> str:
        """x[begin:end] along an axis, as Python counts."""
        last = np.iinfo(np.int64).max if end is None else end
        return self.op("Slice", x, *(np.array([i], np.int64) for i in (begin, last, axis)))

    def last(self, x: Operand, count: int, before: int = 0) -> str:
        """`count` steps, the last of them `before` steps before the end."""
        return self.slice(x, -count - before, -before if before else None)

    def reshape(self, x: Operand, *shape: int) -> str:
        return self.op("Reshape", x, np.array(shape, np.int64))

    def unsqueeze(self, x: Operand, *axes: int) -> str:
        return self.op("Unsqueeze", x, np.array(axes, np.int64))

    def transpose(self, x: Operand, *order: int) -> str:
        return self.op("Transpose", x, perm=list(order))

    def size(self, x: Operand, axis: int) -> str:
        """The length along an axis, [1]."""
        return self.op("Shape", x, start=axis, end=axis + 1)

    def zero_if_missing(self, x: Operand) -> str:
        return self.op("Where", self.op("IsNaN", x), 0.0, x)

    def pad_front(self, x: Operand, need: int, value: Operand, axes: int) -> str:
        """Steps of `value` before those of axis 0, so that there are `need` of them."""
        zero = np.array([0], np.int64)
        missing = self.op("Max", self.op("Sub", np.array([need], np.int64), self.size(x, 0)), zero)
        rest = np.zeros(2 * axes - 1, np.int64)
        return self.op("Pad", x, self.op("Concat", missing, rest, axis=0), value)

    def scan(self, body: Graph, states: list[str], steps: list[str], scanned: int) -> list[str]:
        """Runs `body` step by step along axis 0 of `steps`; gives its scanned results."""
        results = self.ops(len(states) + scanned, "Scan", *states, *steps,
                           body=body.proto("step"), num_scan_inputs=len(steps))
        return results[len(states):]

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{self._prefix}{kind.lower()}_{self._count}"


def calendar_size(unit: str) -> int:
    return sum(2 * harmonics for _, harmonics in _TERMS.get(unit, ()))


def calendar_terms(g: Graph, frequency: dict[str, Any], time: str, T: int) -> str:
    """The calendar terms of the steps that follow those of a window, [T, N, terms]. `time` [N]:
    seconds since 1970 of each window's last step."""
    unit, multiple = frequency["unit"], frequency["multiple"]
    steps = np.arange(2 - T, 2, dtype=np.int64)[:, None] * multiple
    time = g.unsqueeze(time, 0)
    if unit in _UNIT_MONTHS:
        month = g.op("Add", _date(g, _floor_div(g, time, _DAY))["month"], steps * _UNIT_MONTHS[unit])
        of_year = g.op("Mod", month, np.int64(12))
        places = {"month_of_year": _share(g, of_year, 12),
                  "quarter_of_year": _share(g, g.op("Div", of_year, np.int64(3)), 4)}
    elif unit == "business_day":
        number = g.op("Add", _weekday_number(g, _floor_div(g, time, _DAY)), steps)
        day = g.op("Add", g.op("Add", g.op("Mul", _floor_div(g, number, 5), np.int64(7)),
                               g.op("Mod", number, np.int64(5))), np.int64(4))
        places = _places_of_day(g, day)
    else:
        stamps = g.op("Add", time, steps * _UNIT_SECONDS[unit])
        places = _places_of_day(g, _floor_div(g, stamps, _DAY))
        places["day"] = _share(g, g.op("Mod", stamps, np.int64(_DAY)), _DAY)
    columns = []
    for cycle, harmonics in _TERMS[unit]:
        angle = g.op("Mul", places[cycle], np.float64(2 * math.pi))
        for k in range(1, harmonics + 1):
            turned = g.op("Mul", angle, np.float64(k))
            # onnxruntime has had a cosine of doubles for a short time only.
            quarter_ahead = g.op("Add", turned, np.float64(math.pi / 2))
            columns += [g.unsqueeze(g.op("Sin", x), 2) for x in (turned, quarter_ahead)]
    return g.cast(g.op("Concat", *columns, axis=2), FLOAT)


def _floor_div(g: Graph, a: str, b: int) -> str:
    return g.op("Div", g.op("Sub", a, g.op("Mod", a, np.int64(b))), np.int64(b))


def _share(g: Graph, a: str, b: str | int) -> str:
    of = np.float64(b) if isinstance(b, int) else g.cast(b, DOUBLE)
    return g.op("Div", g.cast(a, DOUBLE), of)


def _weekday_number(g: Graph, day: str) -> str:
    """Weekdays since Monday 1970-01-05; a weekend has its Friday's."""
    since = g.op("Sub", day, np.int64(4))
    in_week = g.op("Min", g.op("Mod", since, np.int64(7)), np.int64(4))
    return g.op("Add", g.op("Mul", _floor_div(g, since, 7), np.int64(5)), in_week)


def _places_of_day(g: Graph, day: str) -> dict[str, str]:
    weekday = g.op("Mod", g.op("Add", day, np.int64(3)), np.int64(7))
    date = _date(g, day)
    return {"week": _share(g, weekday, 7), "working_week": _share(g, weekday, 5),
            "year": _share(g, date["day_of_year"], date["days"])}


def _date(g: Graph, day: str) -> dict[str, str]:
    """Of days since 1970 in the years 1 to 9999: the months since January 1970, the day of the year
    from 0 and the days of the year. By years that begin in March (Hinnant, days_from_civil)."""
    def i(kind: str, a: str, b: str | int) -> str:
        return g.op(kind, a, np.int64(b) if isinstance(b, int) else b)

    z = i("Add", day, 719468)
    era, doe = i("Div", z, 146097), i("Mod", z, 146097)
    yoe = i("Div", i("Sub", i("Add", i("Sub", doe, i("Div", doe, 1460)), i("Div", doe, 36524)),
                     i("Div", doe, 146096)), 365)
    leaps = i("Sub", i("Div", yoe, 4), i("Div", yoe, 100))
    from_march = i("Sub", doe, i("Add", i("Mul", yoe, 365), leaps))
    mp = i("Div", i("Add", i("Mul", from_march, 5), 2), 153)
    in_next = i("GreaterOrEqual", mp, 10)
    year = i("Add", i("Add", i("Mul", era, 400), yoe), g.cast(in_next, INT64))
    month = i("Sub", i("Add", mp, 2), i("Mul", g.cast(in_next, INT64), 12))

    def divides(n: int) -> str:
        return i("Equal", i("Mod", year, n), 0)

    leap = g.op("And", divides(4), g.op("Or", g.op("Not", divides(100)), divides(400)))
    leap = g.cast(leap, INT64)
    day_of_year = g.op("Where", in_next, i("Sub", from_march, 306),
                       i("Add", i("Add", from_march, 59), leap))
    return {"month": i("Add", i("Mul", i("Sub", year, 1970), 12), month),
            "day_of_year": day_of_year, "days": i("Add", leap, 365)}


def gates_of(block: NDArray[Any], H: int) -> NDArray[Any]:
    """Rows of the gates i, f, g, o in ONNX's order: i, o, f, g."""
    i, f, g, o = (block[k * H:(k + 1) * H] for k in range(4))
    return np.concatenate([i, o, f, g])
