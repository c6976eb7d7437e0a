"""What the driver of Spark or Ray settles before any worker begins: model, columns, settings, the last time of all."""

from __future__ import annotations

import datetime
import hashlib
import itertools
import os
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ._columns import Columns, Tables, unused
from ._forecaster import Forecaster
from ._frames import Frame, require_columns
from ._log import logger, quietly
from ._settings import values_in
from ._worker import FUTURE, NOTHING, REASON, Plan, clock_of
from .errors import ConfigError, DataError

ROWS_AT_ONCE = 1_000_000
TIMES_LOOKED_AT = 1000
"""How many of the last times of all series `last_time_of` wants to see."""

_YEAR = datetime.timedelta(days=366)
_STRAYS = 3  # times beyond a hole of a year that are taken for mistakes, as the library does


def forecaster_of(model: Any) -> Forecaster:
    """A fitted forecaster, or that of a model's file. Raises what Forecaster.load raises, NotFittedError."""
    if isinstance(model, (str, os.PathLike)):
        return Forecaster.load(model)
    if not isinstance(model, Forecaster):
        raise ConfigError(f"model is a {type(model).__name__}; give a fitted sluice.Forecaster or the path of a "
                          f"model's file")
    model._fitted()
    return model


def packed(forecaster: Forecaster) -> tuple[str, bytes]:
    """(name, content) of the pickle that workers read once each."""
    content = pickle.dumps(forecaster)
    return hashlib.sha256(content).hexdigest(), content


@dataclass(frozen=True)
class Request:
    """What a caller asks of a forecast."""

    forecaster: Forecaster
    h: int | None
    level: Sequence[float] | None
    rows_at_once: int

    @property
    def columns(self) -> Columns:
        return self.forecaster._fitted()[1]

    @property
    def ids(self) -> tuple[str, ...]:
        said = [self.columns.id] if self.columns.id is not None else self.forecaster.model_info_["id"]
        return tuple(said or [self.forecaster.id_col])

    @property
    def time(self) -> str:
        said = [self.columns.time] if self.columns.time is not None else self.forecaster.model_info_["time"]
        if len(said) > 1:
            raise ConfigError(f"the model was trained on times in several columns, {', '.join(said)}; make one of them "
                              f"and load it with time_col=: Forecaster.load(path, time_col=...)")
        return (said or [self.forecaster.time_col])[0]

    @property
    def used(self) -> list[str]:
        """The columns of df."""
        return list(dict.fromkeys([*self.ids, self.time, *self.columns.used]))

    def require(self, df: Sequence[str], futr_df: Sequence[str] | None) -> None:
        """Raises DataError for columns that the tables, whose columns are given, lack."""
        c = self.columns
        for names, what in ((self.ids, "id_col"), ([self.time], "time_col"), (c.targets, "target_col"),
                            (c.past, "hist_exog_list"), (c.future, "futr_exog_list"), (c.statics, "stat_exog_list")):
            require_columns("df", df, names, what)
        self.forecaster._require_future(futr_df)
        if futr_df is not None:
            if not c.future:
                raise unused("futr_df", "futr_exog_list")
            require_columns("futr_df", futr_df, [self.time, *c.future], "futr_exog_list, time_col")
            there = [name for name in self.ids if name in futr_df]
            if there and len(there) < len(self.ids):
                require_columns("futr_df", futr_df, self.ids, "id_col")

    def check_types(self, df: pa.Schema) -> None:
        """Raises DataError for ids, times and values whose types would not come back, or not be understood alike by
        every worker: a text such as '3.1.24' is read by what stands beside it."""
        for name in self.ids:
            kind = df.field(name).type
            kind = kind.value_type if pa.types.is_dictionary(kind) else kind
            plain = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind)
            if not plain and not (pa.types.is_decimal(kind) and kind.scale == 0):
                raise DataError(f"df: the id column '{name}' is of type {kind}; make it text or whole numbers")
        kind = df.field(self.time).type
        if not (pa.types.is_timestamp(kind) or pa.types.is_date32(kind) or pa.types.is_integer(kind)):
            raise DataError(f"df: the time column '{self.time}' is of type {kind}; make it a date, a timestamp or "
                            f"whole numbers")
        for name in self.columns.targets:
            kind = df.field(name).type
            if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
                raise DataError(f"df: the target column '{name}' is of type {kind}; make it a number")
        for name in (FUTURE, REASON):
            if name in self.used:
                raise DataError(f"df: a column is called '{name}', which the forecasts need; rename it")

    def plan(self, last: pa.Array, marked: bool, future: pa.Table | None, zone: str | None = None) -> Plan:
        f = self.forecaster
        texts = f._later_texts(self.level)
        settings = values_in(f._check_later(texts))
        if settings["data.groups"]:
            raise ConfigError(f"the model has sums of series (data.groups = {settings['data.groups']}), and a worker "
                              "sees a part of the series only; forecast in one process (sluice.Forecaster.predict)")
        levels = settings["forecast.levels"]
        median = ["sluice-median"] if f.model_info_["mean"] else []
        outputs = ["sluice", *median, *(f"sluice-{end}-{level:g}" for level in levels for end in ("lo", "hi"))]
        key, content = packed(f)
        return Plan(content, key, self.columns, self.ids, self.time, tuple(outputs), texts, f._steps(self.h), last,
                    marked, future, settings["forecast.strict"], self.rows_at_once, zone)

    def last_time(self, df: pa.Schema, times: pa.Array | None, given: Any) -> pa.Array:
        """[1]: the last time of all series, of which `times` are the last ones that have a value, the latest first.

        One that lies off the model's steps, or a year after all others, is a mistake in a series and is passed over
        with a warning. Raises DataError where only such times are found, and ConfigError for levels that the model
        has not.
        """
        kind = df.field(self.time).type
        if times is None:
            last = _given(given, kind)
            if why := self._refused(df, last):
                raise DataError(f"last_time: {last[0]} cannot be one of the model's steps: {why}")
            return last
        if len(times) == 0:
            raise DataError("df: no series has any target value")
        why = ""
        for place in range(min(len(times), 10)):
            last = times.slice(place, 1)
            why = self._stray(times, place) or self._refused(df, last)
            if not why:
                return last
            logger.warning("df: the last time of all, %s, is passed over: %s", last[0], why)
        raise DataError(f"df: the last times of all cannot be steps of the model: {why}; give last_time")

    def _refused(self, df: pa.Schema, last: pa.Array) -> str:
        """Why a series that ends at `last` cannot be read; empty where it can."""
        schema = pa.schema([df.field(name) for name in self.used])
        clock = clock_of(schema, self.columns.targets, self.time, schema.empty_table().select(self.ids), last)
        try:
            with quietly():
                tables = Tables(self.columns, Frame(clock, "df"))
                self.forecaster._forecast(tables, self.forecaster._later_texts(self.level))
        except DataError as error:
            return "" if str(error).startswith(NOTHING) else str(error)
        return ""

    def _stray(self, times: pa.Array, place: int) -> str:
        """Where the time at `place` lies behind a hole of a year, as one of the few last times: which."""
        if pa.types.is_integer(times.type) or len(times) < 12:
            return ""
        seen = [one.as_py() for one in times.slice(place, _STRAYS + 1).cast(pa.timestamp("us"))]
        for later, earlier in itertools.pairwise(seen):
            if later - earlier > _YEAR:
                return f"it lies a year after {earlier}"
        return ""


def _given(value: Any, kind: pa.DataType) -> pa.Array:
    try:
        if isinstance(value, str):
            value = datetime.datetime.fromisoformat(value)
        if pa.types.is_date(kind) and isinstance(value, datetime.datetime):
            value = value.date()
        if pa.types.is_timestamp(kind) and kind.tz is not None and value.tzinfo is None:
            raise ValueError(f"the times have the zone {kind.tz}, so it needs one, too")
        return pa.array([value], kind)
    except (ValueError, TypeError, AttributeError, pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise ConfigError(f"last_time: {value!r} is no value of type {kind}: {error}") from error


def require_like(table: str, column: str, kind: pa.DataType, df: pa.DataType) -> None:
    """Raises DataError where a column of `table` cannot be cast to what df's is without changing a value."""
    def number(one: pa.DataType) -> bool:
        return bool(pa.types.is_integer(one) or pa.types.is_floating(one) or pa.types.is_decimal(one))

    def text(one: pa.DataType) -> bool:
        return bool(pa.types.is_string(one) or pa.types.is_large_string(one))

    alike = any(test(kind) and test(df) for test in (number, text, pa.types.is_temporal))
    if kind != df and not alike and not pa.types.is_null(kind):
        raise DataError(f"{table}: column '{column}' is of type {kind}, and df's is of type {df}; make them one")
