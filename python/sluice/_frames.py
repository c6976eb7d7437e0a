"""Tables of pandas, polars, pyarrow and whatever has Arrow's PyCapsule interface, in and back out.

A table comes back as the kind that went in, its ids and times with the types that they had.
"""

from __future__ import annotations

import copy
import datetime
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from .errors import DataError

_ACCEPTED = "give a pandas or polars DataFrame, a pyarrow Table, or what has __arrow_c_stream__"

_MEANT = "make them numbers, texts or times"

# What a table without rows lacks.
_ROWS = {
    "futr_df": "give a row for each series and each step of the horizon",
    "static_df": "give a row for each series",
    "forecasts": "give what predict or cross_validation gave",
}


def _library(name: str) -> Any:
    """A library that the caller has imported already, or None: whose frame it is cannot be known otherwise."""
    return sys.modules.get(name)


def require_columns(name: str, there: Sequence[str], columns: Iterable[str], what: str) -> None:
    """Raises DataError that names the first of `columns` which the table `name` has not, and those that it has."""
    for column in columns:
        if column not in there:
            known = ", ".join(f"'{one}'" for one in there[:20])
            raise DataError(
                f"{name}: there is no column '{column}' ({what}); its columns are {known}"
                f"{', ...' if len(there) > 20 else ''}"
            )


class Frame:
    """A caller's table. `name` stands for it in messages."""

    def __init__(self, data: Any, name: str) -> None:
        self.name = name
        pandas, polars = _library("pandas"), _library("polars")
        if pandas is not None and isinstance(data, pandas.DataFrame):
            self.kind = "pandas"
        elif polars is not None and isinstance(data, polars.DataFrame):
            self.kind = "polars"
        elif isinstance(data, pa.Table):
            self.kind = "arrow"
        elif polars is not None and isinstance(data, polars.LazyFrame):
            raise DataError(f"{name}: a LazyFrame has no rows yet; give {name}.collect()")
        elif hasattr(data, "__arrow_c_stream__"):
            try:
                self.kind, data = "arrow", pa.table(data)
            except (pa.ArrowInvalid, pa.ArrowTypeError) as error:  # a Series has a stream too
                raise DataError(f"{name}: {type(data).__name__} is no table ({error}); {_ACCEPTED}") from error
        else:
            raise DataError(f"{name}: {type(data).__name__} is no table; {_ACCEPTED}")
        self.data = data
        names = [str(column) for column in (data.column_names if self.kind == "arrow" else data.columns)]
        if self.kind == "pandas":
            if names != list(data.columns):  # numbers, as pandas has them where nothing else was said
                self.data = data = data.set_axis(names, axis="columns")
            levels = [level for level in data.index.names if level is not None and level not in names]
            names = levels + names
            if len(set(levels)) == len(levels) > 0:  # AutoGluon's frames have ids and times there
                self.data = data.reset_index(level=levels)
        self.names = names
        twice = sorted({column for column in names if names.count(column) > 1})
        if twice:
            raise DataError(f"{name}: there are two columns '{twice[0]}'; rename or drop one")
        if len(self.data) == 0:
            raise DataError(f"{name}: has no rows; {_ROWS.get(name, 'give the history of one series at least')}")

    def kept(self) -> Frame:
        """The same table, whatever its owner writes into it later."""
        made = copy.copy(self)
        if self.kind == "pandas":
            made.data = self.data[list(self.data.columns)]  # pandas 3 copies when one of the two is written to
        elif self.kind == "polars":
            made.data = self.data.clone()
        return made

    def require(self, columns: Iterable[str], what: str) -> None:
        """Raises DataError that names the first of `columns` which is not there, and those that are."""
        require_columns(self.name, self.names, columns, what)

    def columns(self, names: list[str]) -> pa.Table:
        """These columns, not copied where the library has them in Arrow's form or as plain numbers."""
        if self.kind == "arrow":
            table = self.data.select(names)
        elif self.kind == "polars":
            table = self._of_polars(names)
        else:
            table = pa.table({column: self._of_pandas(column) for column in names})
        for field in table.schema:
            if pa.types.is_nested(field.type) or _is_opaque(field.type):
                raise DataError(f"{self.name}: column '{field.name}' holds values of type {field.type}"
                                f"{self._example(field.name)}; {_MEANT}")
        return table

    def require_inputs(self, table: pa.Table, columns: Iterable[str]) -> None:
        """Raises DataError where one of `columns`, of this table as Arrow has it, is neither numbers nor texts."""
        for column in columns:
            remedy = _remedy(table.schema.field(column).type, f"{self.name}['{column}']")
            if remedy:
                raise DataError(f"{self.name}: column '{column}' holds values of type {table.schema.field(column).type}"
                                f"{self._example(column)}, and numbers are needed; {remedy}")

    def _example(self, column: str) -> str:
        """", row 3 has 'x'": the first value that is there."""
        values = self.data[column]
        for row in range(len(values)):
            value = values.iloc[row] if self.kind == "pandas" else values[row]
            value = value.as_py() if isinstance(value, pa.Scalar) else value
            if not _is_missing(value):
                return f", row {row} has {' '.join(str(value).split())[:40]}"
        return ""

    def _of_polars(self, names: list[str]) -> pa.Table:
        for column in names:
            if str(self.data.schema[column]) == "Object":  # of which older ones end the process
                raise DataError(f"{self.name}: column '{column}' holds objects of Python{self._example(column)}; "
                                f"{_MEANT}")
        try:
            return pa.table(self.data.select(names))
        except pa.ArrowInvalid as error:
            if len(names) > 1:
                for column in names:
                    self._of_polars([column])
            raise DataError(f"{self.name}: column '{names[0]}' ({self.data.schema[names[0]]}) has a type that Arrow "
                            f"does not know ({error}); cast it, as by pl.col('{names[0]}').cast(pl.Int64)") from error

    def _of_pandas(self, column: str) -> Any:
        series = self.data[column]
        if type(series.dtype).__name__ == "PeriodDtype":
            raise DataError(
                f"{self.name}: column '{column}' holds periods; make them times: "
                f"{self.name}['{column}'].dt.to_timestamp()"
            )
        if type(series.dtype).__name__ == "SparseDtype":
            series = series.sparse.to_dense()
        if series.dtype == object and _library("pandas").api.types.infer_dtype(series, skipna=True) == "datetime":
            what = _zones(column, series, f"{self.name}['{column}']")
            if what:
                raise DataError(f"{self.name}: {what}")
        try:
            return pa.array(series, from_pandas=True)
        except Exception as error:  # objects of any class are asked for their values
            kind = f"{series.dtype}{self._example(column)}"
            what = _mixed(column, series) or f"column '{column}' ({kind}): {error}; {_MEANT}"
            raise DataError(f"{self.name}: {what}") from error

    def like(self, result: pa.Table, id_col: str | None, time_cols: list[str], time_from: str | None) -> Any:
        """`result` of the library as a table of this kind, with this one's types of ids and times."""
        types = self.columns([c for c in (id_col, time_from) if c is not None and c in self.names]).schema
        for index, field in enumerate(result.schema):
            column = result.column(index)
            if field.name == id_col and id_col in types.names:
                column = _ids_as(column, types.field(id_col).type)
            elif field.name in time_cols and time_from in types.names:
                column = _times_as(column, types.field(time_from).type)
            elif pa.types.is_dictionary(field.type):
                column = column.cast(pa.string())
            result = result.set_column(index, field.name, column)
        casts: dict[Any, str | None] = {id_col: id_col}
        casts.update(dict.fromkeys(time_cols, time_from))
        casts = {c: source for c, source in casts.items() if c in result.column_names and source in types.names
                 and (_is_time(types.field(source).type) or not _is_time(result.schema.field(c).type))}
        if self.kind == "polars":
            return self._as_polars(result, casts)
        if self.kind == "pandas":
            return self._as_pandas(result, casts)
        return result

    def _as_polars(self, result: pa.Table, casts: dict[Any, Any]) -> Any:
        import polars

        out = polars.DataFrame(result)
        columns = []
        for column, source in casts.items():
            dtype = self.data.schema[source]
            if isinstance(dtype, polars.Enum):
                new = set(out[column].unique()) - set(dtype.categories)
                dtype = polars.Enum([*dtype.categories, *sorted(new)])
            columns.append(polars.col(column).cast(dtype))
        return out.with_columns(columns)

    def _as_pandas(self, result: pa.Table, casts: dict[Any, Any]) -> Any:
        import pandas

        out = result.to_pandas()
        for column, source in casts.items():
            dtype = self.data[source].dtype
            if isinstance(dtype, pandas.CategoricalDtype):
                new = out[column].drop_duplicates()
                new = new[~new.isin(dtype.categories)]
                dtype = pandas.CategoricalDtype(dtype.categories.append(pandas.Index(new)), dtype.ordered)
            out[column] = out[column].astype(dtype)
        return out


def _is_opaque(kind: pa.DataType) -> bool:
    """Bytes, and objects of Python, as polars gives them."""
    kinds = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view, pa.types.is_fixed_size_binary)
    return isinstance(kind, pa.BaseExtensionType) or any(is_kind(kind) for is_kind in kinds)


def _is_time(kind: pa.DataType) -> bool:
    """Times, or categories that are; texts and numbers such as 20240131 become some."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def is_text(kind: pa.DataType) -> bool:
    """Texts, or categories that are."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_missing(value: Any) -> bool:
    try:
        return value is None or bool(value != value)
    except (TypeError, ValueError):  # pandas' NA; arrays
        return type(value).__name__ == "NAType"


def _remedy(kind: pa.DataType, column: str) -> str:
    """How a column of this type becomes numbers, or "" where it is numbers or texts."""
    if pa.types.is_duration(kind):
        return f"give {column}.dt.total_seconds()"
    if pa.types.is_temporal(kind):
        return "give numbers, as days since a date, or leave the column out"
    if pa.types.is_decimal(kind) and not pa.types.is_decimal128(kind):
        return "make them of type float64"
    if pa.types.is_dictionary(kind) and not is_text(kind) and not pa.types.is_null(kind.value_type):
        return f"give the numbers themselves, as {column}.astype(float), or texts"
    return ""


def _zones(column: str, series: Any, said: str) -> str:
    """What is wrong with times as Python's objects: several zones, of which Arrow would take the first one for all."""
    first: tuple[int, Any] | None = None
    for row, value in enumerate(series):
        if not isinstance(value, datetime.datetime) or _is_missing(value):
            continue
        if first is None:
            first = (row, value)
        elif str(value.tzinfo) != str(first[1].tzinfo):
            return (
                f"column '{column}' (object) holds times of several zones: row {first[0]} has {first[1]}, row {row} "
                f"{value}; make them times of one zone, or without one: pd.to_datetime({said}, utc=True)"
            )
    return ""


def _mixed(column: str, series: Any) -> str:
    """What is wrong with a column of Python's objects: the first two kinds of them."""
    first: tuple[int, Any] | None = None
    for row, value in enumerate(series):
        if _is_missing(value):
            continue
        if first is None:
            first = (row, value)
        elif type(value) is not type(first[1]):
            return (
                f"column '{column}' ({series.dtype}) holds values of several kinds: row {first[0]} has "
                f"{first[1]!r} ({type(first[1]).__name__}), row {row} {value!r} ({type(value).__name__}); "
                f"{_MEANT}"
            )
    return ""


def _ids_as(column: pa.ChunkedArray, kind: pa.DataType) -> Any:
    """The library's ids, a dictionary of texts, as the type that the ids had."""
    value_type = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_string_view(value_type):  # of which Arrow can take no rows
        value_type = pa.large_string()
    coded = column.combine_chunks()
    coded = coded.chunk(0) if isinstance(coded, pa.ChunkedArray) else coded
    try:
        words = coded.dictionary.cast(value_type)
    except pa.ArrowInvalid as error:
        raise DataError(f"ids of df have the type {kind}, and others are none: {error}; give those of all tables one "
                        f"type that holds them, as text") from error
    if pa.types.is_dictionary(kind) and pa.types.is_signed_integer(kind.index_type):
        return pa.DictionaryArray.from_arrays(coded.indices.cast(kind.index_type), words, ordered=kind.ordered)
    return words.take(coded.indices)


def _times_as(column: pa.ChunkedArray, kind: pa.DataType) -> Any:
    """The library's times, seconds of the data's clock, as the type that the times had."""
    if not pa.types.is_timestamp(column.type):
        return column.cast(kind) if pa.types.is_integer(kind) or pa.types.is_floating(kind) else column
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        try:
            return column.cast(kind)
        except pa.ArrowInvalid as error:  # nanoseconds end in 2262
            raise DataError(f"times of type {kind} do not reach the end of the forecast: {error}; give them in "
                            f"microseconds or as dates") from error
    return column.cast(pa.timestamp("ns", column.type.tz))
