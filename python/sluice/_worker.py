"""What a worker of Spark or Ray does: forecasts the series of its part of a table, a bounded number of rows at a time.

A part's rows come sorted by series, so that no more than a chunk of whole series is ever held. What the library
asks of a table as a whole (where its last time lies: a series that ended a year before is over) a chunk does not
know: a series of one row at that time, the clock, stands in each of them and is taken out of the forecasts again.
"""

from __future__ import annotations

import bisect
import decimal
import itertools
import pickle
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ._columns import Columns, Tables
from ._forecaster import Forecaster
from ._frames import Frame
from ._log import quietly
from .errors import DataError

FUTURE = "__sluice_future"
"""A column that marks rows of futr_df among those of df."""

REASON = "reason"
_CLOCK = "(the last time of all)"
NOTHING = "there is nothing to forecast: "
_MODELS_KEPT = 4


@dataclass(frozen=True)
class Plan:
    """All that a worker must know."""

    model: bytes  # a pickled Forecaster
    key: str  # names it
    columns: Columns
    ids: tuple[str, ...]
    time: str
    outputs: tuple[str, ...]  # "sluice", "sluice-lo-80", ...
    texts: Mapping[str, str]  # settings of the forecast
    steps: int
    last: pa.Array  # [1], the last time of all series
    marked: bool  # rows of futr_df lie among those of df, by FUTURE
    future: pa.Table | None  # known values that hold for every series
    strict: bool
    rows_at_once: int
    zone: str | None = None  # in which instants are days; None: as the tables say

    @property
    def id_out(self) -> str:
        """The result's column of ids: several are one text there, joined by '/'."""
        return self.ids[0] if len(self.ids) == 1 else "unique_id"

    def schema(self, df: pa.Schema) -> pa.Schema:
        """Of the result, with the types that ids and times have in `df`."""
        one = df.field(self.ids[0]).type
        fields = [pa.field(self.id_out, one if len(self.ids) == 1 else pa.string()), df.field(self.time)]
        if len(self.columns.targets) > 1:
            fields.append(pa.field("target", pa.string()))
        fields += [pa.field(name, pa.float64()) for name in self.outputs]
        return pa.schema([*(f.with_nullable(True).remove_metadata() for f in fields), pa.field(REASON, pa.string())])


def in_zone(table: pa.Table, zone: str | None) -> pa.Table:
    """Instants shown in `zone`, which decides what day they are: Spark hands some of them on as UTC's."""
    for index, one in enumerate(table.schema):
        if zone is not None and pa.types.is_timestamp(one.type) and one.type.tz is not None:
            kind = pa.timestamp(one.type.unit, zone)
            table = table.set_column(index, one.with_type(kind), table.column(index).cast(kind))
    return table


_models: OrderedDict[str, Forecaster] = OrderedDict()  # of this process, the last ones used


def unpacked(key: str, content: bytes) -> Forecaster:
    """The forecaster of a pickle, read once in a process."""
    if key not in _models:
        _models[key] = pickle.loads(content)
        while len(_models) > _MODELS_KEPT:
            _models.popitem(last=False)
    _models.move_to_end(key)
    return _models[key]


def series_starts(table: pa.Table, ids: Iterable[str]) -> list[int]:
    """The first row of each series of a table that is sorted by series."""
    starts = {0} if table.num_rows else set()
    for name in ids:
        column = table.column(name).combine_chunks()
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        starts.update(pc.run_end_encode(column).run_ends.to_pylist()[:-1])
    return sorted(starts)


def whole_series(batches: Iterable[pa.RecordBatch], ids: tuple[str, ...], rows: int) -> Iterator[pa.Table]:
    """Rows sorted by series as tables of some `rows` rows that end where a series does; a longer series is one."""
    held: list[pa.RecordBatch] = []
    count, wanted = 0, rows
    for batch in batches:
        held.append(batch)
        count += batch.num_rows
        if count < wanted:
            continue
        table = pa.Table.from_batches(held)
        start = series_starts(table, ids)[-1]
        if start == 0:
            wanted = 2 * count
            continue
        yield table.slice(0, start)
        rest = table.slice(start)
        held, count = rest.to_batches(), rest.num_rows
        wanted = max(rows, 2 * count)
    if count:
        yield pa.Table.from_batches(held)


def _names(ids: pa.Table) -> list[str]:
    """Each row as the library calls the series."""
    return ["/".join(map(str, row)) for row in zip(*(column.to_pylist() for column in ids.columns), strict=True)]


def clock_of(schema: pa.Schema, targets: Sequence[str], time: str, ids: pa.Table, last: pa.Array) -> pa.Table:
    """One row at the time `last`, of a series that is not among `ids`: a number for each target, nothing else known."""
    made = []
    for one in schema:
        value: Any = None
        if one.name in ids.column_names:
            value = _other_than(ids.column(one.name))
        elif one.name == time:
            made.append(last.cast(one.type))
            continue
        elif one.name in targets:
            # Above 0 for models in log space, and small enough for any decimal.
            value = decimal.Decimal(1).scaleb(-one.type.scale) if pa.types.is_decimal(one.type) else 1
        elif one.name == FUTURE:
            value = False
        made.append(pa.array([value], one.type))
    return pa.table(made, schema=schema)


def _other_than(ids: pa.ChunkedArray) -> Any:
    """An id that is none of `ids`."""
    kind = ids.type.value_type if pa.types.is_dictionary(ids.type) else ids.type
    known = set(ids.to_pylist())
    if not pa.types.is_integer(kind) and not pa.types.is_decimal(kind):
        return next(name for n in itertools.count() if (name := _CLOCK + " " * n) not in known)
    numbers = known - {None} or {0}
    for value in (max(numbers) + 1, min(numbers) - 1, *(number + 1 for number in numbers)):
        try:
            if value not in known:
                return pa.scalar(value, kind).as_py()
        except (pa.ArrowInvalid, OverflowError):
            pass
    raise DataError(f"every value that an id of type {kind} can have is one; make ids wider or text")


@dataclass
class _Chunk:
    """Some whole series of a part, and what is found of them."""

    table: pa.Table
    starts: list[int]
    heads: pa.Table  # [series] ids
    names: list[str]  # [series] as the library calls them
    clock: pa.Table
    clock_name: str
    reasons: dict[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: Plan, table: pa.Table) -> _Chunk:
        starts = series_starts(table, plan.ids)
        heads = table.select(plan.ids).take(starts)
        clock = clock_of(table.schema, plan.columns.targets, plan.time, heads, plan.last)
        return cls(table, starts, heads, _names(heads), clock, _names(clock.select(plan.ids))[0])

    def rows(self, begin: int, end: int) -> pa.Table:
        """Those of the series begin .. end-1."""
        bounds = [*self.starts, self.table.num_rows]
        return self.table.slice(bounds[begin], bounds[end] - bounds[begin])

    def left_out(self, plan: Plan, schema: pa.Schema) -> pa.Table:
        """A row for each series that has a reason."""
        series = sorted(self.reasons)
        if len(plan.ids) == 1:
            ids = self.heads.column(0).take(series)
        else:
            ids = pa.array([self.names[s] for s in series], pa.string())
        known = {plan.id_out: ids, REASON: pa.array([self.reasons[s] for s in series], pa.string())}
        columns = [known.get(one.name, pa.nulls(len(series), one.type)) for one in schema]
        return pa.table(columns, names=schema.names).cast(schema)


class Worker:
    """Forecasts parts of a table by one plan, with `threads` threads; `forecaster` goes before the plan's model."""

    def __init__(self, plan: Plan, threads: int, forecaster: Forecaster | None = None) -> None:
        self.plan = plan
        self.columns = plan.columns
        self.forecaster = forecaster or unpacked(plan.key, plan.model)
        self.texts = {**plan.texts, "engine.threads": str(threads), "forecast.strict": "false",
                      "forecast.new_items": "false"}

    def forecast(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Forecasts of all series of `batches`, whose rows are sorted by series, with their columns and no others.

        A series without a forecast is one row whose time and values are null, and REASON says why. Raises what
        concerns no single series, and in a strict plan every reason.
        """
        for table in whole_series(batches, self.plan.ids, self.plan.rows_at_once):
            yield from self.of_table(table).to_batches()

    def of_table(self, table: pa.Table) -> pa.Table:
        """The same for a table of whole series."""
        schema = self.plan.schema(table.schema)
        chunk = _Chunk.of(self.plan, in_zone(table, self.plan.zone))
        self._refuse_late(chunk)
        parts = []
        begin = 0
        for stop in [*sorted(chunk.reasons), len(chunk.names)]:
            if begin < stop:
                parts += [made.select(schema.names[:-1]) for made in self._made(chunk, begin, stop)]
            begin = stop + 1
        parts = [made.append_column(REASON, pa.nulls(made.num_rows, pa.string())).cast(schema) for made in parts]
        if chunk.reasons and self.plan.strict:
            named = ", ".join(f"'{chunk.names[s]}' ({why})" for s, why in sorted(chunk.reasons.items())[:3])
            raise DataError(f"forecast.strict = true, and {len(chunk.reasons)} of {len(chunk.names)} series cannot be "
                            f"forecast: {named}{', ...' if len(chunk.reasons) > 3 else ''}")
        if chunk.reasons:
            parts.append(chunk.left_out(self.plan, schema))
        return pa.concat_tables(parts)

    @staticmethod
    def without(plan: Plan, table: pa.Table, reason: str) -> pa.Table:
        """No forecasts of the series of `table`, sorted by series, for one reason."""
        chunk = _Chunk.of(plan, table)
        chunk.reasons = dict.fromkeys(range(len(chunk.names)), reason)
        return chunk.left_out(plan, plan.schema(table.schema))

    def _refuse_late(self, chunk: _Chunk) -> None:
        """Series with a value after the last time of all: that time was chosen without them."""
        last = self.plan.last.cast(chunk.table.schema.field(self.plan.time).type)[0]
        late = pc.greater(chunk.table.column(self.plan.time), last)
        if not pc.any(late).as_py():
            return
        valued = pc.is_valid(chunk.table.column(self.columns.targets[0]))
        for target in self.columns.targets[1:]:
            valued = pc.or_(valued, pc.is_valid(chunk.table.column(target)))
        rows = pc.indices_nonzero(pc.and_(late, valued))
        times = chunk.table.column(self.plan.time).take(rows).to_pylist()
        for row, time in zip(rows.to_pylist(), times, strict=True):
            s = bisect.bisect_right(chunk.starts, row) - 1
            chunk.reasons.setdefault(
                s, f"a value at {time} lies after the last time of all, {last}; correct or remove its row, or give "
                   f"last_time")

    def _made(self, chunk: _Chunk, begin: int, end: int) -> Iterator[pa.Table]:
        """Forecasts of the series begin .. end-1. One that the library refuses is looked for by halves."""
        try:
            made, left_out = self._predict(chunk, chunk.rows(begin, end))
        except DataError as error:
            if end - begin == 1:
                chunk.reasons[begin] = _own_reason(str(error), chunk.names[begin], chunk.clock_name)
                return
            middle = (begin + end) // 2
            yield from self._made(chunk, begin, middle)
            yield from self._made(chunk, middle, end)
            return
        there = set(_names(pa.table({"": made.column(self.plan.id_out).unique()})))
        for s in range(begin, end):
            if chunk.names[s] not in there:
                why = left_out.get(chunk.names[s], "it was left out; forecast it alone to see why")
                chunk.reasons[s] = _explained(why)
        yield made

    def _predict(self, chunk: _Chunk, rows: pa.Table) -> tuple[pa.Table, dict[str, str]]:
        """The library's forecasts, and reasons by the series' names."""
        future = self.plan.future
        if self.plan.marked:
            ahead = rows.column(FUTURE)
            future = _joined(rows.filter(ahead), chunk.clock).select(
                [*self.plan.ids, self.plan.time, *self.columns.future])
            rows = rows.filter(pc.invert(ahead))
        history = _joined(rows, chunk.clock)
        if self.plan.marked:
            history = history.drop_columns([FUTURE])
        tables = Tables(self.columns, Frame(history, "df"), None if future is None else Frame(future, "futr_df"))
        with quietly():
            made = self.forecaster._forecast(tables, {**self.texts, "data.max_steps": str(_most_steps(history))})
        made = tables.like_df(self.forecaster._first_steps(made, self.plan.steps))
        clock = chunk.clock.column(self.plan.ids[0])[0] if len(self.plan.ids) == 1 else pa.scalar(chunk.clock_name)
        ids = made.column(self.plan.id_out)
        if pa.types.is_dictionary(ids.type):
            ids = ids.cast(ids.type.value_type)
        made = made.filter(pc.not_equal(ids, clock.cast(ids.type)))
        return made, {one["unique_id"]: one["reason"] for one in self.forecaster.left_out_}


def _joined(rows: pa.Table, clock: pa.Table) -> pa.Table:
    return pa.concat_tables([rows, clock], promote_options="permissive").cast(rows.schema)


def _most_steps(rows: pa.Table) -> int:
    """The library's own limit. Said as a number it also lets the clock lie years after a part's series, which ended."""
    return 10_000_000 + 1000 * int(rows.num_rows) * int(rows.num_columns)


def _own_reason(message: str, name: str, clock: str) -> str:
    """What a message about one series and the clock says of the series."""
    start = f"{name} ("
    if not message.startswith(NOTHING) or start not in message:
        return message
    reason = message.split(start, 1)[1]
    for end in (f"), {clock} (", "); "):
        reason = reason.split(end)[0]
    return _explained(reason.removesuffix(")"))


def _explained(reason: str) -> str:
    """A series without history is forecast from those that are like it, which lie in other parts."""
    if reason.startswith("no history; forecast.new_items = false"):
        return "no history: Forecaster.predict forecasts such a series from all others, which a part of a table has not"
    return reason
