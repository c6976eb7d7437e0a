"""What a worker of Spark or Ray does to train: a model of the rows that it is given, as the content of its file."""

from __future__ import annotations

import dataclasses
import hashlib
import pickle
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from ._arguments import names_of
from ._forecaster import Forecaster, model_of
from ._settings import values_in
from ._worker import REASON, Plan, Worker, in_zone, series_starts
from .errors import ConfigError, DataError

MODEL, SERIES = "model", "series"
MODELS_OWN = (SERIES, MODEL, REASON)
"""The columns of a table of models, beside those of the groups."""


@dataclasses.dataclass(frozen=True)
class Training:
    """What a worker must know to train."""

    forecaster: bytes  # pickled, without a model
    id: str
    time: str
    val_size: int | float | None
    zone: str | None = None  # as a Plan has it

    @classmethod
    def of(cls, forecaster: Any, val_size: int | float | None, zone: str | None = None) -> Training:
        """Raises ConfigError for what is no Forecaster, and for settings that cannot be."""
        if not isinstance(forecaster, Forecaster):
            raise ConfigError(f"forecaster is a {type(forecaster).__name__}; give a sluice.Forecaster")
        new = Forecaster(**forecaster.get_params())
        new.explain_settings()
        return cls(pickle.dumps(new), new.id_col, new.time_col, val_size, zone)

    def train(self, table: pa.Table, threads: int | None, more: Mapping[str, Any] | None = None) -> Forecaster:
        """Of all rows, sorted by series and time: their order decides the model's bits."""
        forecaster: Forecaster = pickle.loads(self.forecaster)
        settings = {**(more or {}), **({} if threads is None else {"engine.threads": threads})}
        if settings:
            forecaster.settings = {**(forecaster.settings or {}), **settings}
        return forecaster.fit(self.sorted(table), val_size=self.val_size, progress=False)

    def sorted(self, table: pa.Table) -> pa.Table:
        return in_zone(table, self.zone).sort_by([(self.id, "ascending"), (self.time, "ascending")])

    def model(self, table: pa.Table, threads: int, more: Mapping[str, Any] | None = None) -> bytes:
        """The content of the model's file."""
        return self.train(table, threads, more)._content()

    def group(self, names: Sequence[str], table: pa.Table, threads: int) -> pa.Table:
        """One row: the group's `names`, the number of its series, the model or the reason why there is none."""
        model = reason = None
        # A loss by each group's values would give some models means and others none: one table has one kind of them.
        asked = self.asked()
        usual = "gaussian" if asked["network.decoding"] == "recursive" else "quantile"
        more = {"training.loss": usual} if asked["training.loss"] == "auto" else {}
        series = len(series_starts(table.select([self.id]).sort_by(self.id), [self.id]))
        try:
            model = self.model(table.drop_columns([n for n in names if n not in self._used()]), threads, more)
        except DataError as error:
            reason = str(error)
        head = table.select(list(names)).slice(0, 1)
        for name, value, kind in ((SERIES, series, pa.int64()), (MODEL, model, pa.binary()),
                                  (REASON, reason, pa.string())):
            head = head.append_column(name, pa.array([value], kind))
        return head

    def asked(self) -> dict[str, Any]:
        """The settings, with those that are given over the defaults."""
        forecaster: Forecaster = pickle.loads(self.forecaster)
        return values_in(forecaster.explain_settings())

    def _used(self) -> list[str]:
        forecaster: Forecaster = pickle.loads(self.forecaster)
        return forecaster._asked_columns().used


def group_columns(argument: str, value: str | Iterable[str]) -> list[str]:
    """The columns by which series fall into groups. Raises ConfigError where there are none, or a name is taken."""
    names = names_of(argument, value)
    if not names:
        raise ConfigError(f"{argument} names no column; give at least one")
    for name in names:
        if name in MODELS_OWN:
            raise ConfigError(f"{argument}: a column of groups cannot be called '{name}'; rename it")
    return names


def taken(forecaster: Forecaster, content: bytes) -> Forecaster:
    """`forecaster` with the model that a worker trained by its arguments; it has no data, so predict needs df."""
    forecaster._take(model_of(content), forecaster._asked_columns())
    forecaster._df = forecaster._static_df = None
    forecaster._loaded, forecaster.interrupted_ = False, False
    return forecaster


def forecaster_of_group(content: bytes, plan: Plan) -> Forecaster:
    """Raises DataError where the model's outputs are not the plan's."""
    forecaster = Forecaster._of_model(model_of(content), {"id_col": plan.ids[0], "time_col": plan.time})
    if forecaster._fitted()[1] != plan.columns or forecaster.model_info_["horizon"] < plan.steps:
        raise DataError(f"the models of one table must have the same columns and steps: one has "
                        f"{forecaster._fitted()[1]} and {forecaster.model_info_['horizon']} steps, another "
                        f"{plan.columns} and {plan.steps}")
    if forecaster.model_info_["mean"] != ("sluice-median" in plan.outputs):
        raise DataError("the models of one table must all have means, or none: in log space a model of "
                        "training.loss = \"student_t\" has none; set network.space for all of them")
    return forecaster


def forecast_group(plan: Plan, table: pa.Table, models: pa.Table, threads: int) -> pa.Table:
    """Forecasts of a group's series by its model, the row of `models`; without one each series has the reason."""
    model = models.column(MODEL)[0].as_py() if models.num_rows else None
    if model is None:
        why = models.column(REASON)[0].as_py() if models.num_rows else "none was trained"
        return Worker.without(plan, table, f"its group has no model: {why}")
    key = hashlib.sha256(model).hexdigest()
    worker = Worker(dataclasses.replace(plan, key=key), threads, forecaster_of_group(model, plan))
    return pa.concat_tables([plan.schema(table.schema).empty_table(),
                             *(pa.Table.from_batches([batch]) for batch in worker.forecast(table.to_batches()))])
