"""Functions on tables without a model: what is in them, the scores of forecasts, and made-up ones."""

from __future__ import annotations

import json
import pathlib
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from . import _sluice
from ._arguments import names_of
from ._columns import Columns, Tables, require_like_zones
from ._frames import Frame, without_views
from ._settings import Frequency, frequency_of, texts_of, whole
from ._text import Text
from .errors import ConfigError, DataError


def check(
    df: Any,
    *,
    freq: Frequency | None = None,
    futr_df: Any = None,
    static_df: Any = None,
    futr_exog_list: Sequence[str] | None = None,
    hist_exog_list: Sequence[str] | None = None,
    stat_exog_list: Sequence[str] | None = None,
    id_col: str = "unique_id",
    time_col: str = "ds",
    target_col: str | Sequence[str] = "y",
    settings: Mapping[str, Any] | None = None,
) -> Text:
    """What is in a table before anything is trained on it: series, lengths, frequency, gaps, missing values.

    The arguments are those of Forecaster. Raises ConfigError, DataError: what `fit` would refuse.
    """
    columns = Columns(
        id_col, time_col, names_of("target_col", target_col), names_of("hist_exog_list", hist_exog_list),
        names_of("futr_exog_list", futr_exog_list), names_of("stat_exog_list", stat_exog_list),
    )
    tables = Tables(columns, Frame(df, "df"), None if futr_df is None else Frame(futr_df, "futr_df"),
                    None if static_df is None else Frame(static_df, "static_df"))
    job = _sluice.Job()
    for key, value in texts_of({**(settings or {}), "data.frequency": frequency_of(freq)}).items():
        job.set(key, value)
    tables.add_to(job, settings=True)
    return Text(_sluice.check(job))


def evaluate(
    forecasts: Any,
    df: Any,
    *,
    freq: Frequency | None = None,
    id_col: str = "unique_id",
    time_col: str = "ds",
    target_col: str | Sequence[str] = "y",
    settings: Mapping[str, Any] | None = None,
) -> Any:
    """The scores of forecasts beside simple methods', a row for each; docs/metrics.md defines them.

    forecasts : what `predict` or `cross_validation` gave: id, time, "sluice" and its intervals; "cutoff" where there
        are several windows, "target" where target_col names several columns. Another method's, where its columns are
        renamed to these.
    df : the histories from before the forecasts to after them: what came, and what the simple methods forecast from
        (`settings={"evaluate.methods": []}`: the naive ones alone).

    Columns of the result, which is of df's kind: method, points, mae, rmse, smape (percent), mase, rmsse, wape (share),
    bias (share), wql, nmse, and coverage-80 and so on (share) for each interval. With several targets each has rows of
    its own, and "target" says whose they are. Raises ConfigError, DataError.
    """
    made, data = Frame(forecasts, "forecasts"), Frame(df, "df")
    targets = names_of("target_col", target_col)
    made.require([id_col], "id_col")
    made.require([time_col], "time_col")
    made.require(["sluice"], "the point of a forecast; another method's column has to be renamed to it")
    levels = [match[1] for name in made.names if (match := re.fullmatch(r"sluice-lo-(.+)", name))]
    made.require([f"sluice-hi-{level}" for level in levels], "the upper end of an interval")
    median = [name for name in made.names if name == "sluice-median"]
    outputs = ["sluice", *median, *(f"sluice-{end}-{level}" for level in levels for end in ("lo", "hi"))]
    several = len(targets) > 1 or ("target" in made.names and targets != ["target"])
    if several:
        made.require(["target"], "which column of target_col a row forecasts")
    columns = [id_col, time_col, *outputs, *(name for name in ("cutoff",) if name in made.names)]
    table = made.columns(columns).rename_columns(["unique_id", "ds", *columns[2:]])
    for index, name in enumerate(table.column_names):
        table = table.set_column(index, name, without_views(table.column(index)))
    require_like_zones(data, data.columns([time_col]), made, made.columns([time_col]), time_col)
    rows = []
    for target, part in _parts(table, made, targets) if several else [(targets[0], table)]:
        job = _sluice.Job()
        asked = {**(settings or {}), "data.frequency": frequency_of(freq), "forecast.levels": levels}
        for key, value in texts_of(asked).items():
            job.set(key, value)
        Tables(Columns(id_col, time_col, [target]), data).add_to(job, settings=True)
        report = json.loads(_sluice.score(job, _windows(part) if "cutoff" in made.names else [part]))
        for method in report["methods"]:
            scores = {"method": method["name"], **({"target": target} if several else {}), **method["total"]}
            coverage = scores.pop("coverage")
            rows.append({**scores, **{f"coverage-{level}": coverage.get(level) for level in levels}})
    return data.like(pa.Table.from_pylist(rows), None, [], None)


def _parts(table: pa.Table, made: Frame, targets: Sequence[str]) -> Iterator[tuple[str, pa.Table]]:
    """The rows of `table` that forecast each target. Raises DataError where one has none, and where others are."""
    column = made.columns(["target"])["target"].cast(pa.string())
    found = column.unique().to_pylist()
    for target in [*found, *targets]:
        if target not in targets or target not in found:
            raise DataError(f"forecasts: column 'target' has {', '.join(map(repr, found))}, and target_col names "
                            f"{', '.join(map(repr, targets))}; name those that are forecast")
    for target in targets:
        yield target, table.filter(pc.equal(column, target))


def _windows(table: pa.Table) -> list[pa.Table]:
    """The rows of each series' first cutoff, of its second one, and so on."""
    codes = []  # of each row's series, and of its cutoff, which count by time
    for column in ("unique_id", "cutoff"):
        values = table[column].combine_chunks()
        if values.null_count > 0:
            row = pc.index(values.is_null(), True).as_py()
            raise DataError(f"forecasts: row {row}: column '{column}' has no value; fill the cell or remove the row")
        if pa.types.is_dictionary(values.type):
            values = values.cast(values.type.value_type)
        words = values.unique()
        codes.append(pc.index_in(values, words.take(pc.sort_indices(words))).cast(pa.int64()))
    table = table.drop_columns(["cutoff"])
    several = pc.max(codes[1]).as_py() + 1
    of_rows = pc.add(pc.multiply(codes[0], several), codes[1])
    windows = of_rows.unique().sort()
    ranks: list[int] = []
    before = -1
    for code in windows.to_pylist():
        ranks.append(ranks[-1] + 1 if code // several == before else 0)
        before = code // several
    places = pa.array(ranks, pa.int64()).take(pc.index_in(of_rows, windows))
    return [table.filter(pc.equal(places, place)) for place in range(max(ranks) + 1)]


def explain(filter: str = "") -> Text:
    """What `sluice explain FILTER` prints of a section or key, or of all: default, what it takes, meaning."""
    return Text(_sluice.explain(filter))


def simulate(stores: int = 10, items: int = 30, days: int = 730, seed: int = 1, *, like: str = "pandas"
             ) -> tuple[Any, Any]:
    """A made-up catalogue of daily sales, and what is known of the 28 days after it: (df, futr_df).

    df has unique_id, ds, y, the known inputs price, promotion and holiday, and the statics store and item; futr_df
    has unique_id, ds and the known inputs. stores * items series of at most `days` days.

    like : "pandas", "polars" or "pyarrow", the kind of the tables.
    """
    if like not in ("pandas", "polars", "pyarrow"):
        raise ConfigError(f"like must be 'pandas', 'polars' or 'pyarrow', got {like!r}")
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "catalog.parquet"
        counts = (whole("stores", stores), whole("items", items), whole("days", days), whole("seed", seed, 0))
        _sluice.simulate(str(path), *counts)
        tables = [_plain(pq.read_table(file)) for file in (path, path.with_suffix(".future.parquet"))]
    if like == "pandas":
        days_as_times = {"ds": "datetime64[ns]"}
        return tuple(table.to_pandas().astype(days_as_times) for table in tables)
    if like == "polars":
        import polars

        return tuple(polars.DataFrame(table) for table in tables)  # type: ignore[return-value]
    return tables[0], tables[1]


def _plain(table: pa.Table) -> pa.Table:
    """Words as text."""
    for index, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(index, field.name, table.column(index).cast(pa.string()))
    return table
