"""Which columns of a caller's tables are what, and the tables of a job."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from . import _sluice
from ._frames import Frame
from ._settings import text_of


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


@dataclass
class Columns:
    """The columns of a training by their use; `id` and `time` None: the library looks for them by usual names."""

    id: str | None = "unique_id"
    time: str | None = "ds"
    targets: list[str] = field(default_factory=lambda: ["y"])
    past: list[str] = field(default_factory=list)
    future: list[str] = field(default_factory=list)
    statics: list[str] = field(default_factory=list)

    @property
    def known(self) -> bool:
        return self.id is not None and self.time is not None

    @property
    def used(self) -> list[str]:
        """The columns of a table that is not split into several."""
        names = [name for name in (self.id, self.time) if name is not None]
        return list(dict.fromkeys([*names, *self.targets, *self.past, *self.future, *self.statics]))


@dataclass
class Tables:
    """A caller's tables for one job, checked for the columns that it needs."""

    columns: Columns
    df: Frame
    futr_df: Frame | None = None
    static_df: Frame | None = None

    def __post_init__(self) -> None:
        c = self.columns
        for names, what in (([c.id], "id_col"), ([c.time], "time_col"), (c.targets, "target_col")):
            self.df.require([name for name in names if name is not None], what)
        self.df.require(c.past, "hist_exog_list")
        self.df.require(c.future, "futr_exog_list")
        (self.static_df or self.df).require(c.statics, "stat_exog_list")
        if self.static_df is not None and c.id is not None:
            self.static_df.require([c.id], "id_col")
        if self.futr_df is not None:
            self.futr_df.require([name for name in (c.time, *c.future) if name is not None], "futr_exog_list, time_col")

    def add_to(self, job: _sluice.Job, settings: bool) -> None:
        """Gives the tables to `job`; with `settings` also says which columns are what, by their types."""
        c = self.columns
        of_series = [] if self.static_df is not None else c.statics
        names = [name for name in (c.id, c.time) if name is not None]
        used = list(dict.fromkeys([*names, *c.targets, *c.past, *c.future, *of_series]))
        data = self.df.columns(used if c.known else self.df.names)
        job.add_table(_sluice.DATA, self.df.name, data)
        statics = data
        if self.futr_df is not None:
            kept = [n for n in self.futr_df.names if n in (c.id, c.time, *c.future) or not c.known]
            job.add_table(_sluice.FUTURE, self.futr_df.name, self.futr_df.columns(kept))
        if self.static_df is not None:
            kept = [n for n in self.static_df.names if n in (c.id, *c.statics) or not c.known]
            statics = self.static_df.columns(kept)
            job.add_table(_sluice.STATICS, self.static_df.name, statics)
        if settings:
            self._say(job, data, statics)

    def _say(self, job: _sluice.Job, data: pa.Table, statics: pa.Table) -> None:
        c = self.columns
        said: dict[str, list[str]] = {"data.id": [c.id] if c.id else [], "data.time": [c.time] if c.time else []}
        said["data.targets"] = c.targets
        for names, table, reals, words in (
            (c.past, data, "data.past", "data.past_categories"),
            (c.future, data, "data.future", "data.future_categories"),
            (c.statics, statics, "data.static_reals", "data.static_categories"),
        ):
            said[words] = [name for name in names if _is_text(table.schema.field(name).type)]
            said[reals] = [name for name in names if name not in said[words]]
        for key, columns in said.items():
            if columns:
                job.set(key, text_of(key, columns))

    def like_df(self, result: Any) -> Any:
        """A result of the library as a table like df, its columns named as df's are."""
        c = self.columns
        table = pa.RecordBatchReader.from_stream(result).read_all()
        renamed = {"unique_id": c.id, "ds": c.time, "y": c.targets[0] if len(c.targets) == 1 else "y"}
        table = table.rename_columns([renamed.get(name) or name for name in table.column_names])
        id_col, time_col = c.id or "unique_id", c.time or "ds"
        return self.df.like(table, id_col, [time_col, "cutoff"], time_col)
