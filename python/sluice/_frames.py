"""Tables of pandas, polars, pyarrow and whatever has Arrow's PyCapsule interface, in and back out.

A table comes back as the kind that went in, its ids and times with the types that they had.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from .errors import DataError, InternalError

_ACCEPTED = "give a pandas or polars DataFrame, a pyarrow Table, or what has __arrow_c_stream__"

_MEANT = "make them numbers, texts or times"


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
            self.kind, data = "arrow", pa.table(data)
        else:
            raise DataError(f"{name}: {type(data).__name__} is no table; {_ACCEPTED}")
        self.data = data
        names = [str(column) for column in (data.column_names if self.kind == "arrow" else data.columns)]
        if self.kind == "pandas":
            levels = [level for level in data.index.names if level is not None and level not in names]
            if levels:  # AutoGluon's frames have ids and times there
                self.data = data.reset_index(level=levels)
                names = levels + names
        self.names = names
        twice = sorted({column for column in names if names.count(column) > 1})
        if twice:
            raise DataError(f"{name}: there are two columns '{twice[0]}'; rename or drop one")
        if len(self.data) == 0:
            raise DataError(f"{name}: has no rows; give at least one series' history")

    def require(self, columns: Iterable[str], what: str) -> None:
        """Raises DataError that names the first of `columns` which is not there, and those that are."""
        require_columns(self.name, self.names, columns, what)

    def columns(self, names: list[str]) -> pa.Table:
        """These columns, not copied where the library has them in Arrow's form or as plain numbers."""
        if self.kind == "arrow":
            table = self.data.select(names)
        elif self.kind == "polars":
            table = pa.table(self.data.select(names))
        else:
            table = pa.table({column: self._of_pandas(column) for column in names})
        for field in table.schema:
            if pa.types.is_nested(field.type) or pa.types.is_binary(field.type) or _is_opaque(field.type):
                raise DataError(f"{self.name}: column '{field.name}' holds values of type {field.type}; {_MEANT}")
        return table

    def _of_pandas(self, column: str) -> Any:
        series = self.data[column]
        if type(series.dtype).__name__ == "PeriodDtype":
            raise DataError(
                f"{self.name}: column '{column}' holds periods; make them times: "
                f"{self.name}['{column}'].dt.to_timestamp()"
            )
        try:
            return pa.array(series, from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError) as error:
            what = _mixed(column, series) or f"column '{column}' ({series.dtype}): {error}; {_MEANT}"
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
        casts = {c: source for c, source in casts.items() if c in result.column_names and source in types.names}
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
            if dtype == polars.String and out.schema[column] != polars.String:
                continue  # times that were text
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
            elif pandas.api.types.is_datetime64_any_dtype(out[column]) and not (
                pandas.api.types.is_datetime64_any_dtype(dtype) or dtype == object
            ):
                continue  # times that were text or numbers such as 20240131
            out[column] = out[column].astype(dtype)
        return out


def _is_opaque(kind: pa.DataType) -> bool:
    """Objects of Python, as polars gives them."""
    return isinstance(kind, pa.BaseExtensionType) or bool(pa.types.is_fixed_size_binary(kind))


def _mixed(column: str, series: Any) -> str:
    """What is wrong with a column of Python's objects: the first two kinds of them."""
    first: tuple[int, Any] | None = None
    for row, value in enumerate(series):
        if value is None or value != value:
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
        raise InternalError(f"ids of type {kind} cannot be read back: {error}; give them as text") from error
    if pa.types.is_dictionary(kind) and pa.types.is_signed_integer(kind.index_type):
        return pa.DictionaryArray.from_arrays(coded.indices.cast(kind.index_type), words, ordered=kind.ordered)
    return words.take(coded.indices)


def _times_as(column: pa.ChunkedArray, kind: pa.DataType) -> Any:
    """The library's times, seconds of the data's clock, as the type that the times had."""
    if not pa.types.is_timestamp(column.type):
        return column.cast(kind) if pa.types.is_integer(kind) or pa.types.is_floating(kind) else column
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return column.cast(kind)
    return column.cast(pa.timestamp("ns", column.type.tz))
