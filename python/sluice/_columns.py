"""Which columns of a caller's tables are what, and the tables of a job."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from . import _sluice
from ._frames import Frame, is_text
from ._settings import text_of
from .errors import ConfigError, DataError


@dataclass
class Columns:
    """The columns of a training by their use; `id` and `time` None: the library looks for them by usual names.

    `trained_as`: what the model calls those that the caller's tables call otherwise.
    """

    id: str | None = "unique_id"
    time: str | None = "ds"
    targets: list[str] = field(default_factory=lambda: ["y"])
    past: list[str] = field(default_factory=list)
    future: list[str] = field(default_factory=list)
    statics: list[str] = field(default_factory=list)
    trained_as: dict[str, str] = field(default_factory=dict)

    def renamed(self, table: pa.Table) -> pa.Table:
        """A table of the caller's with the model's names."""
        return table.rename_columns([self.trained_as.get(name, name) for name in table.column_names])

    def require_apart(self, windows: bool) -> None:
        """Raises ConfigError where a column of results would be named as another one: of forecasts, or of windows."""
        several = len(self.targets) > 1
        made = {"sluice", "new_item", *(["target"] if several else []), *(["cutoff"] if windows else [])}
        named = {"id_col": self.id, "time_col": self.time}
        if windows and several:
            made.add("y")
        elif windows:
            named["target_col"] = self.targets[0]
        for argument, name in named.items():
            if name is not None and (name in made or name.startswith("sluice-")):
                raise ConfigError(f"{argument} is '{name}', which results have a column of their own of; rename it")

    @property
    def known(self) -> bool:
        return self.id is not None and self.time is not None

    @property
    def used(self) -> list[str]:
        """The columns of a table that is not split into several."""
        names = [name for name in (self.id, self.time) if name is not None]
        return list(dict.fromkeys([*names, *self.targets, *self.past, *self.future, *self.statics]))

    def refuse_mistakes(self) -> None:
        """Raises ConfigError where a column would be an input of what it itself is, or two inputs, or another one."""
        lists = {"hist_exog_list": self.past, "futr_exog_list": self.future, "stat_exog_list": self.statics}
        uses = {"id_col": [self.id or ""], "time_col": [self.time or ""], "target_col": self.targets, **lists}
        for argument, one in (("id_col", self.id), ("time_col", self.time)):
            if not isinstance(one, str | None):
                raise ConfigError(f"{argument} is {one!r}; give the name of one column, as text")
        found: dict[str, str] = {}
        for use, names in uses.items():
            for name in names:
                if name.isdigit():
                    raise ConfigError(f"{use}: '{name}' would be read as a column's place; rename the column")
                if use in lists and name in found:
                    raise ConfigError(f"'{name}' is given twice, in {found[name]} and in {use}; leave it out of one")
                if use != "id_col":  # an id may be a static input
                    found[name] = use


def require_like_zones(frame: Frame, data: pa.Table, other: Frame, table: pa.Table, time: str | None) -> None:
    """Raises DataError where the times of one table have a zone and those of the other have none.

    A guess would shift them by hours.
    """
    kinds = [one.schema.field(time).type for one in (data, table)] if time is not None else []
    if not all(pa.types.is_timestamp(kind) for kind in kinds) or len({kind.tz is None for kind in kinds}) < 2:
        return
    words = [f"the zone {kind.tz}" if kind.tz is not None else "no zone" for kind in kinds]
    method = "replace_time_zone" if other.kind == "polars" else "tz_localize"
    raise DataError(f"{other.name}: the times of '{time}' have {words[1]}, those of {frame.name} have {words[0]}; give "
                    f"both alike, as by {other.name}['{time}'].dt.{method}({kinds[0].tz!r})")


def unused(table: str, argument: str) -> ConfigError:
    """What is said of a table of inputs where there are none."""
    return ConfigError(f"{table} is given, and {argument} names no column of it: no input is read from it; name its "
                       f"columns there before the fit, or leave {table} out")


@dataclass
class Tables:
    """A caller's tables for one job, checked for the columns that it needs."""

    columns: Columns
    df: Frame
    futr_df: Frame | None = None
    static_df: Frame | None = None

    def __post_init__(self) -> None:
        c = self.columns
        c.refuse_mistakes()
        for names, what in (([c.id], "id_col"), ([c.time], "time_col"), (c.targets, "target_col")):
            self.df.require([name for name in names if name is not None], what)
        self.df.require(c.past, "hist_exog_list")
        self.df.require(c.future, "futr_exog_list")
        (self.static_df or self.df).require(c.statics, "stat_exog_list")
        if self.static_df is not None and c.id is not None:
            self.static_df.require([c.id], "id_col")
        for table, inputs, argument in ((self.static_df, c.statics, "stat_exog_list"),
                                        (self.futr_df, c.future, "futr_exog_list")):
            if table is not None and not inputs:
                raise unused(table.name, argument)
        if self.futr_df is not None:
            self.futr_df.require([name for name in (c.time, *c.future) if name is not None], "futr_exog_list, time_col")

    def add_to(self, job: _sluice.Job, settings: bool) -> None:
        """Gives the tables to `job`; with `settings` also says which columns are what, by their types."""
        c = self.columns
        of_series = [] if self.static_df is not None else c.statics
        names = [name for name in (c.id, c.time) if name is not None]
        used = list(dict.fromkeys([*names, *c.targets, *c.past, *c.future, *of_series]))
        data = self.df.columns(used if c.known else self.df.names)
        self.df.require_inputs(data, [*c.targets, *c.past, *c.future, *of_series])
        job.add_table(_sluice.DATA, self.df.name, c.renamed(data))
        statics = c.renamed(data)
        if self.futr_df is not None:
            kept = [n for n in self.futr_df.names if n in (c.id, c.time, *c.future) or not c.known]
            future = self.futr_df.columns(kept)
            self.futr_df.require_inputs(future, c.future)
            require_like_zones(self.df, data, self.futr_df, future, c.time)
            job.add_table(_sluice.FUTURE, self.futr_df.name, c.renamed(future))
        if self.static_df is not None:
            kept = [n for n in self.static_df.names if n in (c.id, *c.statics) or not c.known]
            statics = self.static_df.columns(kept)
            self.static_df.require_inputs(statics, c.statics)
            statics = c.renamed(statics)
            job.add_table(_sluice.STATICS, self.static_df.name, statics)
        if settings:
            self._say(job, c.renamed(data), statics)

    def _say(self, job: _sluice.Job, data: pa.Table, statics: pa.Table) -> None:
        c = self.columns
        said: dict[str, list[str]] = {"data.id": [c.id] if c.id else [], "data.time": [c.time] if c.time else []}
        said["data.targets"] = c.targets
        for names, table, reals, words in (
            (c.past, data, "data.past", "data.past_categories"),
            (c.future, data, "data.future", "data.future_categories"),
            (c.statics, statics, "data.static_reals", "data.static_categories"),
        ):
            said[words] = [name for name in names if is_text(table.schema.field(name).type)]
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
