"""Forecasts of a Ray dataset, on a pool of Ray's actors, and models trained there.

    import sluice.ray

    forecasts = sluice.ray.forecast(sales, "model.safetensors", futr_df=prices)
    left_out = forecasts.filter(lambda row: row["reason"] is not None)

It needs ray[data] 2.51 or newer, and this package on every node. docs/scale.md says when it is worth it.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from ._forecaster import Forecaster, model_of
from ._frames import Frame, require_columns
from ._log import logger
from ._plan import ROWS_AT_ONCE, TIMES_LOOKED_AT, Request, forecaster_of, require_like
from ._settings import whole
from ._train import MODEL, MODELS_OWN, Training, forecast_group, group_columns, taken
from ._worker import FUTURE, REASON, Plan, Worker
from .errors import ConfigError, DataError

if TYPE_CHECKING:
    from ray.data import Dataset

__all__ = ["fit", "forecast"]

_PART = "__sluice_part"


def forecast(
    ds: Dataset,
    model: Any,
    *,
    futr_df: Any = None,
    h: int | None = None,
    level: Sequence[float] | None = None,
    num_cpus: int = 1,
    compute: Any = None,
    partitions: int | None = None,
    rows_at_once: int = ROWS_AT_ONCE,
    last_time: Any = None,
) -> Dataset:
    """Forecasts of every series from its end: id, time, "sluice" (as of predict), "sluice-lo-80", ..., "reason".

    ds : a row for each series and time, in any order, with the columns of the fit; others are not read.
    model : a fitted Forecaster, or the path of a model's file, which the driver reads and sends to the actors. Or the
        models of groups, as `fit(ds, by=)` gives them: a series is forecast by its group's.
    futr_df : id, time and the columns of futr_exog_list for the horizon, a dataset of Ray, or any table that Forecaster
        takes; without the id column a row holds for all series.
    h : fewer steps than the model has. level : other intervals, in percent.
    num_cpus : cores of each actor, and its threads. Leave the cluster one core at least for the shuffle.
    compute : how many actors, as ray.data.ActorPoolStrategy(...). None: one, and more as Ray sees fit.
    partitions : parts among which the series are shared out, each held whole by an actor. None: Ray's
        default_hash_shuffle_parallelism.
    rows_at_once : rows that an actor forecasts at once at most, but for a longer series.
    last_time : where the data end, which tells series that ended long before. None: ds is read once for it, at once.

    The numbers are those of Forecaster.predict on the whole table (docs/scale.md: to which bit). A series that cannot
    be forecast has one row, whose time and values are null; "reason" says why, and is null for all others. With
    settings={"forecast.strict": True} it is an error. Series that stand in futr_df alone are not forecast here.

    Nothing but the columns' types and last_time is computed before the result is asked for. Raises NotFittedError,
    ConfigError, DataError.
    """
    import ray

    groups = _groups_of(model)
    models = {} if groups is None else _models(model, groups)
    request = Request(forecaster_of(model) if groups is None else _any_of(models), h, level,
                      whole("rows_at_once", rows_at_once))
    ahead = _dataset(futr_df)
    request.require(_names(ds), None if ahead is None else _names(ahead))
    used = [*request.used, *(groups or ())]
    require_columns("df", _names(ds), used, "a column of groups")
    rows = _arrow(ds, used)
    types = _schema(rows, "df")
    request.check_types(pa.schema([types.field(name) for name in request.used]))
    cores = whole("num_cpus", num_cpus)
    last = request.last_time(types, _last_times(rows, request) if last_time is None else None, last_time)
    marked = ahead is not None and set(request.ids) <= set(_names(ahead))
    known = [request.time, *request.columns.future]
    plan = request.plan(last, marked, None if marked or ahead is None else _gathered(_arrow(ahead, known)))
    parts = _default_partitions() if partitions is None else whole("partitions", partitions)

    lay = functools.partial(_laid, types=types, ids=request.ids, parts=parts)
    rows = rows.map_batches(functools.partial(lay, ahead=False if marked else None), **_BLOCKS)
    if marked:
        said = [*request.ids, *known, *(groups or ())]
        require_columns("futr_df", _names(ahead), said, "a column of groups")
        future = _arrow(ahead, said)
        for one in _schema(future, "futr_df"):
            require_like("futr_df", one.name, one.type, types.field(one.name).type)
        rows = rows.union(future.map_batches(functools.partial(lay, ahead=True), **_BLOCKS))
    _warn_of_cores(cores)
    compute = compute or ray.data.ActorPoolStrategy(min_size=1)
    actors: dict[str, Any] = {"num_cpus": cores, "compute": compute, "batch_format": "pyarrow"}
    if groups is None:
        made = rows.groupby(_PART, num_partitions=parts).map_groups(
            _Actor, fn_constructor_args=([ray.put(plan)], cores), **actors)
    else:
        refs = {key: [ray.put(row)] for key, row in models.items()}
        made = rows.groupby(groups, num_partitions=parts).map_groups(
            _GroupActor, fn_constructor_args=([ray.put(plan)], cores, groups, refs), **actors)
    return cast("Dataset", made)


def fit(
    ds: Dataset,
    forecaster: Forecaster,
    *,
    by: str | Sequence[str] | None = None,
    where: str = "driver",
    val_size: int | float | None = None,
    num_cpus: int = 1,
    partitions: int | None = None,
) -> Forecaster | Dataset:
    """Trains one model on all series of `ds`, or one for each group of them.

    ds : a row for each series and time, with the columns that `forecaster` names.
    by : columns by whose values the series fall into groups, such as a department; all rows of a series must be of one.
    where : "driver" or "worker": what gathers all rows and trains the one model. It needs their memory (docs/scale.md).
    val_size : as Forecaster.fit has it.
    num_cpus : cores of a worker, and its threads. The driver's are those of settings={"engine.threads": ...}.
    partitions : among which groups are shared out, each held whole by a worker. None: Ray's
        default_hash_shuffle_parallelism.

    Returns `forecaster`, fitted: the same model as Forecaster.fit makes of the table sorted by id and time. With `by` a
    dataset instead, computed when it is asked for: the columns of `by`, "series" (their number), "model" (the
    content of a model's file, also for `sluice forecast`), and "reason", which says why there is no model and else is
    null. Nothing is left out and nothing sampled: where a table is too large to train on, choose its series yourself,
    ds.filter(...).

    Raises ConfigError, and where it trains at once DataError and DeviceError.
    """
    if where not in ("driver", "worker"):
        raise ConfigError(f"where is {where!r}; give 'driver' or 'worker'")
    training = Training.of(forecaster, val_size)
    cores = whole("num_cpus", num_cpus)
    used = forecaster._asked_columns().used
    require_columns("df", _names(ds), used, "a column of the forecaster")
    groups = [] if by is None else group_columns("by", by)
    require_columns("df", _names(ds), groups, "by")
    rows = _arrow(ds, [*used, *groups])
    if by is not None:
        parts = _default_partitions() if partitions is None else whole("partitions", partitions)
        train = functools.partial(_group_model, training=training, names=groups, cores=cores)
        models = rows.groupby(groups, num_partitions=parts).map_groups(train, num_cpus=cores, batch_format="pyarrow")
        return cast("Dataset", models)
    if where == "driver":
        return forecaster.fit(training.sorted(_gathered(rows)), val_size=val_size)
    made = rows.repartition(1).map_batches(functools.partial(_one_model, training=training, cores=cores),
                                           num_cpus=cores, **_BLOCKS)
    return taken(forecaster, _gathered(made).column(MODEL)[0].as_py())


_BLOCKS: dict[str, Any] = {"batch_format": "pyarrow", "batch_size": None}


class _Actor:
    """Forecasts parts, one after the other; the model is read once."""

    def __init__(self, plan: list[Any], cores: int) -> None:
        import ray

        self.worker = Worker(ray.get(plan[0]), cores)

    def __call__(self, table: pa.Table) -> Iterator[pa.Table]:
        plan = self.worker.plan
        rows = table.drop_columns([_PART]).sort_by(_order(plan)).to_batches()
        for batch in self.worker.forecast(rows):
            yield pa.Table.from_batches([batch])


class _GroupActor:
    """Forecasts groups, each by its own model."""

    def __init__(self, plan: list[Any], cores: int, groups: list[str], models: dict[Any, list[Any]]) -> None:
        import ray

        self.plan: Plan = ray.get(plan[0])
        self.cores, self.groups, self.models = cores, groups, models

    def __call__(self, table: pa.Table) -> pa.Table:
        import ray

        ref = self.models.get(tuple(table.column(name)[0].as_py() for name in self.groups))
        others = [name for name in (*self.groups, _PART) if name not in self.plan.columns.used]
        model = pa.table({}) if ref is None else ray.get(ref[0])
        return forecast_group(self.plan, table.drop_columns(others).sort_by(_order(self.plan)), model, self.cores)


def _order(plan: Plan) -> list[tuple[str, str]]:
    return [(name, "ascending") for name in (*plan.ids, *([FUTURE] if plan.marked else []), plan.time)]


def _laid(table: pa.Table, types: pa.Schema, ids: Sequence[str], parts: int, ahead: bool | None) -> pa.Table:
    """A block with the columns of `types`, its rows' part of all series, and whether they are rows of futr_df."""
    columns = {one.name: table.column(one.name).cast(one.type) if one.name in table.column_names
               else pa.nulls(table.num_rows, one.type) for one in types}
    if ahead is not None:
        columns[FUTURE] = pa.repeat(pa.scalar(ahead), table.num_rows)
    mixed = pa.repeat(pa.scalar(0, pa.int64()), table.num_rows)
    for name in ids:
        coded = columns[name].cast(pa.string()).combine_chunks().dictionary_encode("encode")
        # Python's hash() differs from process to process.
        hashes = pa.array([zlib.crc32((word or "").encode()) for word in coded.dictionary.to_pylist()], pa.int64())
        mixed = pc.bit_wise_xor(pc.multiply(mixed, 31), hashes.take(coded.indices))
    columns[_PART] = pc.subtract(mixed, pc.multiply(pc.divide(mixed, parts), parts)).cast(pa.int32())
    return pa.table(columns)


def _group_model(table: pa.Table, training: Training, names: Sequence[str], cores: int) -> pa.Table:
    return training.group(names, table, cores)


def _one_model(table: pa.Table, training: Training, cores: int) -> pa.Table:
    return pa.table({MODEL: pa.array([training.model(table, cores)], pa.binary())})


def _arrow(ds: Any, names: Sequence[str]) -> Any:
    """Those columns, in Arrow's form whatever the blocks are."""
    return ds.select_columns(list(dict.fromkeys(names))).map_batches(_same, **_BLOCKS)


def _same(table: pa.Table) -> pa.Table:
    """Words as text: each block has words of its own."""
    for index, one in enumerate(table.schema):
        if pa.types.is_dictionary(one.type):
            table = table.set_column(index, one.name, table.column(index).cast(one.type.value_type))
    return table


def _names(ds: Any) -> list[str]:
    return list(ds.columns() or [])


def _schema(rows: Any, name: str) -> pa.Schema:
    found = rows.schema()
    if found is None:
        raise DataError(f"{name}: has no rows; give at least one series' history")
    return pa.schema([one.remove_metadata() for one in found.base_schema])


def _gathered(rows: Any) -> pa.Table:
    return pa.concat_tables(list(rows.iter_batches(**_BLOCKS)), promote_options="permissive")


def _dataset(futr_df: Any) -> Any:
    """A dataset of Ray as it is, any other table as one."""
    import ray

    if futr_df is None or isinstance(futr_df, ray.data.Dataset):
        return futr_df
    frame = Frame(futr_df, "futr_df")
    return ray.data.from_arrow(frame.columns(frame.names))


def _default_partitions() -> int:
    import ray

    return int(ray.data.DataContext.get_current().default_hash_shuffle_parallelism)


def _warn_of_cores(cores: int) -> None:
    """Ray waits for ever where actors have taken all cores before the shuffle that feeds them has begun."""
    import ray

    there = int(ray.cluster_resources().get("CPU", 0))
    if cores >= there:
        logger.warning("num_cpus is %d of the cluster's %d cores: Ray's shuffle needs one beside the actors, and will "
                       "wait until the cluster has more", cores, there)


def _last_times(rows: Any, request: Request) -> pa.Array:
    """The last times at which some series has a value, the latest first."""
    find = functools.partial(_last_of_block, time=request.time, targets=request.columns.targets)
    times = _gathered(rows.map_batches(find, **_BLOCKS))
    return _latest(times.column(request.time))


def _last_of_block(table: pa.Table, time: str, targets: Sequence[str]) -> pa.Table:
    valued = functools.reduce(pc.or_, [pc.invert(pc.is_null(table.column(name), nan_is_null=True)) for name in targets])
    return pa.table({time: _latest(table.filter(valued).column(time))})


def _latest(times: pa.ChunkedArray) -> pa.Array:
    different = times.drop_null().unique()
    return different.take(pc.sort_indices(different, sort_keys=[("", "descending")])[:TIMES_LOOKED_AT])


def _groups_of(model: Any) -> list[str] | None:
    """The columns of groups of a table of models; None for another model."""
    import ray

    if not isinstance(model, ray.data.Dataset):
        return None
    require_columns("model", _names(model), MODELS_OWN, "of a table of models")
    return group_columns("model", [name for name in _names(model) if name not in MODELS_OWN])


def _models(models: Any, groups: Sequence[str]) -> dict[Any, pa.Table]:
    """The row of each group."""
    table = _gathered(models.select_columns([*groups, MODEL, REASON]))
    rows = zip(*(table.column(name).to_pylist() for name in groups), strict=True)
    return {key: table.slice(row, 1) for row, key in enumerate(rows)}


def _any_of(models: dict[Any, pa.Table]) -> Forecaster:
    """One that has what they have in common: columns and outputs."""
    for row in models.values():
        content = row.column(MODEL)[0].as_py()
        if content is not None:
            return Forecaster._of_model(model_of(content), {})
    raise DataError("model: no group has a model; the column 'reason' says why")
