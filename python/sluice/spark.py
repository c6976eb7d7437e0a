"""Forecasts of a Spark DataFrame, on Spark's workers, and models trained there.

    import sluice.spark

    forecasts = sluice.spark.forecast(sales, "model.safetensors", futr_df=prices)
    left_out = forecasts.where("reason is not null")

It needs PySpark 4.1 or newer, and this package on every worker. docs/scale.md says when it is worth it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from ._forecaster import Forecaster, model_of
from ._frames import Frame, require_columns
from ._plan import ROWS_AT_ONCE, TIMES_LOOKED_AT, Request, forecaster_of, require_like
from ._settings import whole
from ._train import MODEL, MODELS_OWN, SERIES, Training, forecast_group, group_columns, taken
from ._worker import FUTURE, REASON, Plan, Worker, in_zone
from .errors import ConfigError, DataError

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructType

__all__ = ["fit", "forecast"]


def forecast(
    df: DataFrame,
    model: Any,
    *,
    futr_df: Any = None,
    h: int | None = None,
    level: Sequence[float] | None = None,
    threads: int | None = None,
    partitions: int | None = None,
    rows_at_once: int = ROWS_AT_ONCE,
    last_time: Any = None,
) -> DataFrame:
    """Forecasts of every series from its end: id, time, "sluice" (as of predict), "sluice-lo-80", ..., "reason".

    df : a row for each series and time, in any order, with the columns of the fit; others are not read.
    model : a fitted Forecaster, or the path of a model's file, which the driver reads and sends to the workers. Or
        the models of groups, as `fit(df, by=)` gives them: a series is forecast by its group's.
    futr_df : id, time and the columns of futr_exog_list for the horizon, a DataFrame of Spark, or any table that
        Forecaster takes; without the id column a row holds for all series.
    h : fewer steps than the model has. level : other intervals, in percent.
    threads : of each worker. None: the cores that Spark gives a task (spark.task.cpus).
    partitions : among which the series are shared out. None: spark.sql.shuffle.partitions.
    rows_at_once : rows of df that a worker holds at most, but for a longer series. Groups are held whole.
    last_time : where the data end, which tells series that ended long before. None: df is read once for it, at once.

    The numbers are those of Forecaster.predict on the whole table (docs/scale.md: to which bit). A series that cannot
    be forecast has one row, whose time and values are null; "reason" says why, and is null for all others. With
    settings={"forecast.strict": True} it is an error. Series that stand in futr_df alone are not forecast here.

    Nothing but last_time is computed before the result is asked for. Raises NotFittedError, ConfigError, DataError.
    """
    groups = _groups_of(model)
    forecaster = forecaster_of(model) if groups is None else _first_model(model)
    request = Request(forecaster, h, level, whole("rows_at_once", rows_at_once))
    ahead = _table(futr_df)
    request.require(df.columns, _names(ahead))
    rows = _select(df, [*request.used, *(groups or ())])
    zone = _zone(df)
    types = in_zone(_empty(_select(rows, request.used)), zone).schema
    request.check_types(types)
    cores = None if threads is None else whole("threads", threads)
    times = _last_times(rows, request, types) if last_time is None else None
    last = request.last_time(types, times, last_time)
    marked = ahead is not None and set(request.ids) <= set(_names(ahead) or ())
    for_all = None
    if marked:
        rows = _with_future(rows, ahead, request, groups or ())
    elif ahead is not None:
        columns = [request.time, *request.columns.future]
        for_all = ahead.select(columns) if isinstance(ahead, pa.Table) else ahead.select(*map(_col, columns)).toArrow()
        for_all = _with_zone(in_zone(for_all, zone), request.time, types.field(request.time).type)
    plan = request.plan(last, marked, for_all, zone)
    if groups is not None:
        return _by_groups(rows, model, groups, plan, cores)
    keys = [_col(name) for name in request.ids]
    share = [] if partitions is None else [whole("partitions", partitions)]
    placed = rows.repartition(*share, *keys)

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return Worker(plan, cores or _task_cpus()).forecast(batches)

    order = [_col(name) for name in (*request.ids, *([FUTURE] if marked else []), request.time)]
    return placed.sortWithinPartitions(*order).mapInArrow(work, _result(rows.schema, plan))


def fit(
    df: DataFrame,
    forecaster: Forecaster,
    *,
    by: str | Sequence[str] | None = None,
    where: str = "driver",
    val_size: int | float | None = None,
    threads: int | None = None,
) -> Forecaster | DataFrame:
    """Trains one model on all series of `df`, or one for each group of them.

    df : a row for each series and time, with the columns that `forecaster` names.
    by : columns by whose values the series fall into groups, such as a department; all rows of a series must be of one.
    where : "driver" or "worker": what gathers all rows and trains the one model. It needs their memory (docs/scale.md).
    val_size : as Forecaster.fit has it.
    threads : of a worker. None: the cores that Spark gives a task (spark.task.cpus). The driver's are those of
        settings={"engine.threads": ...}.

    Returns `forecaster`, fitted: the same model as Forecaster.fit makes of the table sorted by id and time. With `by` a
    DataFrame instead, computed when it is asked for: the columns of `by`, "series" (their number), "model" (the
    content of a model's file, also for `sluice forecast`), and "reason", which says why there is no model and else is
    null; each group's rows are held by one worker. Nothing is left out and nothing sampled: where a table is too large
    to train on, choose its series yourself, df.where(...).

    Raises ConfigError, and where it trains at once DataError and DeviceError.
    """
    if where not in ("driver", "worker"):
        raise ConfigError(f"where is {where!r}; give 'driver' or 'worker'")
    training = Training.of(forecaster, val_size, _zone(df))
    cores = None if threads is None else whole("threads", threads)
    c = forecaster._asked_columns()
    require_columns("df", df.columns, c.used, "a column of the forecaster")
    if by is not None:
        return _fit_groups(df, c.used, group_columns("by", by), training, cores)
    rows = _select(df, c.used)
    if where == "driver":
        if cores is not None:
            raise ConfigError("threads is for workers; give the driver's as settings={'engine.threads': ...}")
        return forecaster.fit(training.sorted(_gathered(rows)), val_size=val_size)

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        held = list(batches)
        if held:
            model = training.model(pa.Table.from_batches(held), cores or _task_cpus())
            yield pa.RecordBatch.from_pydict({MODEL: pa.array([model], pa.binary())})

    made = rows.coalesce(1).mapInArrow(work, f"{MODEL} binary").toArrow()
    if made.num_rows == 0:
        raise DataError("df: has no rows; give at least one series' history")
    return taken(forecaster, made.column(MODEL)[0].as_py())


def _fit_groups(df: DataFrame, used: list[str], by: list[str], training: Training, cores: int | None) -> DataFrame:
    from pyspark.sql.types import BinaryType, LongType, StringType, StructField, StructType

    require_columns("df", df.columns, by, "by")
    rows = _select(df, [*used, *by])

    def work(table: pa.Table) -> pa.Table:
        return training.group(by, table, cores or _task_cpus())

    schema = StructType([StructField(name, df.schema[name].dataType) for name in by])
    schema = schema.add(SERIES, LongType()).add(MODEL, BinaryType()).add(REASON, StringType())
    return rows.groupBy(*(_col(name) for name in by)).applyInArrow(work, schema)


def _groups_of(model: Any) -> list[str] | None:
    """The columns of groups of a table of models; None for another model."""
    columns = getattr(model, "columns", None)
    if columns is None or not hasattr(model, "mapInArrow"):
        return None
    require_columns("model", columns, MODELS_OWN, "of a table of models")
    return group_columns("model", [name for name in columns if name not in MODELS_OWN])


def _first_model(models: DataFrame) -> Forecaster:
    """One that has what they have in common: columns and outputs."""
    found = models.where(_col(MODEL).isNotNull()).select(_col(MODEL)).limit(1).toArrow()
    if found.num_rows == 0:
        raise DataError("model: no group has a model; the column 'reason' says why")
    return Forecaster._of_model(model_of(found.column(0)[0].as_py()), {})


def _by_groups(rows: DataFrame, models: DataFrame, by: list[str], plan: Plan, cores: int | None) -> DataFrame:
    order = [(name, "ascending") for name in (*plan.ids, *([FUTURE] if plan.marked else []), plan.time)]
    others = [name for name in by if name not in plan.columns.used]
    result = _result(rows.schema, plan)

    def work(table: pa.Table, of_group: pa.Table) -> pa.Table:
        made = plan.schema(table.schema).empty_table()
        if table.num_rows > 0:
            sorted_rows = table.drop_columns(others).sort_by(order)
            made = forecast_group(plan, sorted_rows, of_group, cores or _task_cpus())
        return in_zone(made, "UTC")  # which Spark wants back, although it gave the session's

    keys = [_col(name) for name in by]
    return rows.groupBy(*keys).cogroup(models.groupBy(*keys)).applyInArrow(work, result)


def _with_future(rows: DataFrame, futr_df: Any, request: Request, by: Sequence[str]) -> DataFrame:
    """The rows of both, told apart by FUTURE; those of futr_df have null where they say nothing."""
    from pyspark.sql import functions as F

    ahead = futr_df if hasattr(futr_df, "mapInArrow") else rows.sparkSession.createDataFrame(futr_df)
    lacking = [name for name in by if name not in ahead.columns]
    if lacking:  # the group of a series is in df
        groups = _select(rows, [*request.ids, *lacking]).distinct()
        ahead = ahead.join(groups, on=list(request.ids))
    said = [*request.ids, request.time, *request.columns.future, *by]
    types, in_df = _empty(_select(ahead, said)).schema, _empty(rows).schema
    columns = []
    for field in rows.schema:
        if field.name not in said:
            columns.append(F.lit(None).cast(field.dataType).alias(field.name))
            continue
        require_like("futr_df", field.name, types.field(field.name).type, in_df.field(field.name).type)
        columns.append(_col(field.name).cast(field.dataType).alias(field.name))
    return rows.withColumn(FUTURE, F.lit(False)).unionByName(ahead.select(*columns).withColumn(FUTURE, F.lit(True)))


def _last_times(rows: DataFrame, request: Request, types: pa.Schema) -> pa.Array:
    """The last times at which some series has a value, the latest first."""
    from pyspark.sql import functions as F
    from pyspark.sql.types import DoubleType, FloatType

    valued = F.lit(False)
    for name in request.columns.targets:
        number = isinstance(rows.schema[name].dataType, (DoubleType, FloatType))
        valued |= _col(name).isNotNull() & ~F.isnan(_col(name)) if number else _col(name).isNotNull()
    time = _col(request.time)
    times = rows.where(valued & time.isNotNull()).select(time).distinct().orderBy(time.desc()).limit(TIMES_LOOKED_AT)
    return times.toArrow().column(0).cast(types.field(request.time).type).combine_chunks()


def _result(df: StructType, plan: Plan) -> StructType:
    from pyspark.sql.types import DoubleType, StringType, StructField, StructType

    ids = df[plan.ids[0]].dataType if len(plan.ids) == 1 else StringType()
    fields = [StructField(plan.id_out, ids), StructField(plan.time, df[plan.time].dataType)]
    if len(plan.columns.targets) > 1:
        fields.append(StructField("target", StringType()))
    fields += [StructField(name, DoubleType()) for name in plan.outputs]
    return StructType([*fields, StructField(REASON, StringType())])


def _empty(rows: DataFrame) -> pa.Table:
    return rows.limit(0).toArrow()


def _with_zone(table: pa.Table, time: str, kind: pa.DataType) -> pa.Table:
    """Times without a zone in that of df's, as createDataFrame reads them."""
    found = table.schema.field(time).type
    if not pa.types.is_timestamp(kind) or kind.tz is None or not pa.types.is_timestamp(found) or found.tz is not None:
        return table
    index = table.schema.get_field_index(time)
    return table.set_column(index, time, pc.assume_timezone(table.column(time).cast(pa.timestamp("us")), kind.tz))


def _zone(df: DataFrame) -> str:
    """The zone in which this session shows timestamps, as Arrow calls it."""
    zone = str(df.sparkSession.conf.get("spark.sql.session.timeZone"))
    return "UTC" if zone == "Z" else re.sub(r"^(GMT|UTC)(?=[+-]\d\d:\d\d$)", "", zone)


def _gathered(rows: DataFrame) -> pa.Table:
    """All rows, one partition after the other, so that the JVM never holds more than one.

    (A DataFrame's own __arrow_c_stream__ does not know timestamps with a zone in PySpark 4.3.)
    """

    def pack(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, batch.schema) as writer:
                writer.write_batch(batch)
            yield pa.RecordBatch.from_pydict({"batch": pa.array([sink.getvalue().to_pybytes()], pa.binary())})

    held = []
    for row in rows.mapInArrow(pack, "batch binary").toLocalIterator():
        with pa.ipc.open_stream(bytes(row[0])) as reader:
            held += list(reader)
    return pa.Table.from_batches(held) if held else _empty(rows)


def _table(futr_df: Any) -> Any:
    """A DataFrame of Spark as it is, any other table as one of Arrow."""
    if futr_df is None or hasattr(futr_df, "mapInArrow"):
        return futr_df
    frame = Frame(futr_df, "futr_df")
    return frame.columns(frame.names)


def _names(table: Any) -> list[str] | None:
    return None if table is None else list(getattr(table, "column_names", None) or table.columns)


def _select(df: DataFrame, names: Sequence[str]) -> DataFrame:
    for name in names:
        if "." in name:
            raise DataError(f"df: column '{name}' has a dot in its name, which mapInArrow of Spark does not take; "
                            f"rename it")
    return df.select(*(_col(name) for name in dict.fromkeys(names)))


def _col(name: str) -> Column:
    """A column by its name, whatever signs are in it."""
    from pyspark.sql import functions as F

    return F.col("`" + name.replace("`", "``") + "`")


def _task_cpus() -> int:
    """The cores that Spark has given to this task."""
    from pyspark import TaskContext

    context = TaskContext.get()
    return context.cpus() if context is not None else 1
