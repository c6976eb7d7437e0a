"""Forecasts and trainings on a local Spark with two workers: the numbers, types and errors of one process."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import uuid

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from conftest import H, quick, sales
from scale_case import (ZONE, descendants, duplicated, ended_long_ago, forecaster_of_inputs, reasons, same_numbers,
                        sorted_by_series, with_inputs)

import sluice
import sluice.spark

pytestmark = pytest.mark.scale


@pytest.fixture(scope="module")
def spark():
    sql = pytest.importorskip("pyspark.sql", reason="pip install -r python/requirements-scale.txt")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java 17, and there is no java")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = (
        sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "4").config("spark.sql.session.timeZone", ZONE)
        .config("spark.driver.memory", "1g").config("spark.driver.bindAddress", "127.0.0.1").getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


def on_spark(spark, df, **types):
    """In an order of its own, in three partitions."""
    shuffled = df.sample(frac=1, random_state=1)
    table = pa.Table.from_pandas(shuffled, preserve_index=False)
    for name, kind in types.items():
        table = table.set_column(table.schema.get_field_index(name), name, table[name].cast(kind))
    return spark.createDataFrame(table).repartition(3)


MANY = [f"s{i}" for i in range(30)]


def test_the_numbers_are_those_of_one_process(spark, fitted):
    df = sales(MANY)
    made = sluice.spark.forecast(on_spark(spark, df), fitted, rows_at_once=200).toArrow()
    assert made.schema.names == ["unique_id", "ds", "sluice", "sluice-lo-80", "sluice-hi-80", "reason"]
    assert reasons(made) == {}
    same_numbers(made, fitted.predict(df))


def test_a_models_file_serves_and_columns_are_named(spark, df, tmp_path):
    renamed = {"unique_id": "item id", "ds": "day", "y": "sold"}
    forecaster = quick(id_col="item id", time_col="day", target_col="sold").fit(df.rename(columns=renamed))
    forecaster.save(tmp_path / "model.safetensors")
    rows = on_spark(spark, df.rename(columns=renamed).assign(other=object.__name__))
    made = sluice.spark.forecast(rows, str(tmp_path / "model.safetensors"), partitions=2, h=3).toArrow()
    assert made.schema.names[:2] == ["item id", "day"]
    same_numbers(made.rename_columns(["unique_id", "ds", *made.schema.names[2:]]), quick().fit(df).predict(h=3))


def test_several_id_columns_are_one_text(spark, df, program, tmp_path):
    df = df.assign(store=df["unique_id"], item="milk").drop(columns="unique_id")
    df.to_csv(tmp_path / "sales.csv", index=False)
    program("train", "sales.csv", "--data.id", "store,item", "--horizon", H, "--data.frequency", "D", "--training.steps",
            20, "--network.hidden_size", 8, "--engine.threads", 1, cwd=tmp_path)
    model = tmp_path / "runs/model.safetensors"
    made = sluice.spark.forecast(on_spark(spark, df), model).toArrow()
    assert made["unique_id"].unique().sort().to_pylist() == ["a/milk", "b/milk", "c/milk"]
    program("forecast", model, "sales.csv", cwd=tmp_path)
    same_numbers_as_file = pd.read_csv(tmp_path / "runs/forecast.csv", parse_dates=["ds"])
    got = sorted_by_series(made)
    np.testing.assert_allclose(got["sluice"], sorted_by_series(same_numbers_as_file)["sluice"], rtol=1e-6)


def test_bad_series_come_back_with_a_reason_and_lose_no_other(spark, fitted):
    df = sales(MANY)
    made = sluice.spark.forecast(on_spark(spark, duplicated(df, "s7")), fitted, partitions=1).toArrow()
    why = reasons(made)
    assert list(why) == ["s7"] and "a second row for series 's7' 2024-01-01" in why["s7"]
    same_numbers(made.filter(pa.compute.is_null(made["reason"])), fitted.predict(df[df["unique_id"] != "s7"]))


def test_series_that_ended_are_those_of_the_whole_table(spark):
    df = ended_long_ago()
    forecaster = quick().fit(df[df["unique_id"] != "over"])
    made = sluice.spark.forecast(on_spark(spark, df), forecaster, partitions=8).toArrow()
    same_numbers(made.filter(pa.compute.is_null(made["reason"])), forecaster.predict(df))
    assert reasons(made) == {one["unique_id"]: one["reason"] for one in forecaster.left_out_}
    given = sluice.spark.forecast(on_spark(spark, df), forecaster, last_time="2024-06-01 00:00+02:00").toArrow()
    assert "lies after the last time of all, 2024-06-01 00:00:00+02:00" in reasons(given)["a"]
    assert set(reasons(given)) == {"a", "b"}


def test_known_inputs_are_joined_by_series(spark):
    df, futr_df = with_inputs()
    forecaster = forecaster_of_inputs(df)
    expected = forecaster.predict(futr_df=futr_df)
    rows = on_spark(spark, df)
    same_numbers(sluice.spark.forecast(rows, forecaster, futr_df=on_spark(spark, futr_df)).toArrow(), expected)
    same_numbers(sluice.spark.forecast(rows, forecaster, futr_df=futr_df).toArrow(), expected)
    for_all = futr_df[futr_df["unique_id"] == "S0/item 0"].drop(columns="unique_id")
    expected = forecaster.predict(futr_df=for_all)
    for given in (for_all, on_spark(spark, for_all)):
        same_numbers(sluice.spark.forecast(rows, forecaster, futr_df=given).toArrow(), expected)
    lacking = futr_df[futr_df["unique_id"] != "S1/item 1"]
    why = reasons(sluice.spark.forecast(rows, forecaster, futr_df=on_spark(spark, lacking)).toArrow())
    assert why == {"S1/item 1": "no price, promotion for 2024-03-30 and 6 later steps"}


@pytest.mark.parametrize("ids, kind", [
    (["5d4b8f2e-0000-4000-8000-%012d" % i for i in range(3)], pa.string()), ([2**40, 2, 3], pa.int64()),
    ([-128, 1, 127], pa.int8()), ([1, 22, 999], pa.decimal128(19, 0)),
])
def test_ids_keep_their_types(spark, fitted, df, ids, kind):
    df["unique_id"] = [ids["abc".index(one)] for one in df["unique_id"]]
    assert kind != pa.string() or uuid.UUID(ids[0])
    rows = on_spark(spark, df, unique_id=kind)
    made = sluice.spark.forecast(rows, fitted)
    assert made.schema["unique_id"].dataType == rows.schema["unique_id"].dataType
    assert sorted(made.toArrow()["unique_id"].unique().to_pylist()) == sorted(pa.array(ids, kind).to_pylist())
    same_numbers(made.toArrow(), fitted.predict(df))


@pytest.mark.parametrize("kind, name", [
    (pa.date32(), "date"), (pa.timestamp("us"), "timestamp_ntz"), (pa.timestamp("us", "Europe/Berlin"), "timestamp"),
])
def test_times_keep_their_types_and_zones(spark, kind, name):
    """The forecast's days pass the change to summer time, on 31 March 2024."""
    days = pd.date_range("2024-01-01", periods=87)
    df = pd.DataFrame({"unique_id": np.repeat(["a", "b"], 87), "ds": np.tile(days, 2), "y": np.arange(174) % 7 + 3.0})
    if kind.__class__ is pa.TimestampType and kind.tz:
        df["ds"] = df["ds"].dt.tz_localize(kind.tz)
    forecaster = quick().fit(df)
    rows = on_spark(spark, df, ds=kind)
    rows = rows.withColumn("ds", rows["ds"].cast(name))
    assert rows.schema["ds"].dataType.simpleString() == name
    made = sluice.spark.forecast(rows, forecaster)
    assert made.schema["ds"].dataType.simpleString() == name
    table = made.toArrow()
    expected = forecaster.predict(pa.Table.from_pandas(df, preserve_index=False))
    expected = expected.set_column(1, "ds", expected["ds"].cast(kind))
    got = table.drop_columns("reason").sort_by([("unique_id", "ascending"), ("ds", "ascending")])
    assert got["ds"].cast(kind).to_pylist() == expected["ds"].to_pylist()
    np.testing.assert_array_equal(got["sluice"].to_numpy(), expected["sluice"].to_numpy())


def test_decimals_targets_and_levels(spark, df):
    df["z"] = 2 * df["y"]
    forecaster = quick(target_col=["y", "z"], level=[80, 99.5]).fit(df)
    made = sluice.spark.forecast(on_spark(spark, df), forecaster, level=[99.5], h=2).toArrow()
    same_numbers(made, forecaster.predict(level=[99.5], h=2))
    cents = df.assign(y=df["y"].round(2), z=df["z"].round(2))
    kinds = {name: pa.decimal128(10, 2) for name in "yz"}
    rows = sluice.spark.forecast(on_spark(spark, cents, **kinds), forecaster).toArrow()
    same_numbers(rows, forecaster.predict(cents))


def test_workers_compute_with_the_cores_of_their_task(spark, fitted):
    """spark.task.cpus is 1 here, whatever the machine has."""
    rows = on_spark(spark, sales(MANY))

    def most_threads(**asked):
        sluice.spark.forecast(rows, fitted, partitions=1, **asked).count()
        return max(one.threads for one in descendants("pyspark.daemon"))

    one = most_threads()
    assert most_threads(threads=1) == one
    assert most_threads(threads=os.cpu_count() + 1) >= one + os.cpu_count()


def test_a_model_that_cannot_be_read_is_an_error_and_names_it(spark, df, tmp_path):
    (tmp_path / "broken.safetensors").write_bytes(b"not a model")
    for path in ("broken.safetensors", "none.safetensors"):
        with pytest.raises(sluice.DataError, match=path):
            sluice.spark.forecast(on_spark(spark, df), tmp_path / path)
    with pytest.raises(sluice.NotFittedError):
        sluice.spark.forecast(on_spark(spark, df), quick())
    with pytest.raises(sluice.ConfigError, match="model is a dict; give a fitted sluice.Forecaster or the path"):
        sluice.spark.forecast(on_spark(spark, df), {})


def test_a_failure_that_is_no_series_ends_the_job_with_its_words(spark, df):
    models = sluice.spark.fit(on_spark(spark, df.assign(dep="x")), quick(), by="dep").toArrow()
    content = models["model"][0].as_py()
    broken = spark.createDataFrame(pa.table({"dep": ["x", "y"], "series": [3, 3], "reason": pa.nulls(2, pa.string()),
                                             "model": [content[:-9], content[:-9]]}))
    with pytest.raises(sluice.DataError, match="the model that was handed on"):
        sluice.spark.forecast(on_spark(spark, df.assign(dep="x")), broken)
    half = spark.createDataFrame(pa.table({"dep": ["w", "x"], "series": [3, 3], "reason": pa.nulls(2, pa.string()),
                                           "model": [content, content[:-9]]})).coalesce(1)
    with pytest.raises(Exception, match="DataError: the model that was handed on"):
        sluice.spark.forecast(on_spark(spark, df.assign(dep="x")), half).toArrow()


def test_fit_makes_the_model_of_the_sorted_table(spark, df):
    rows = on_spark(spark, df)
    expected = quick().fit(df).predict(df)
    for where in ("driver", "worker"):
        forecaster = quick()
        assert sluice.spark.fit(rows, forecaster, where=where) is forecaster
        same_numbers(forecaster.predict(df), expected)
    with pytest.raises(sluice.ConfigError, match="where is 'cluster'; give 'driver' or 'worker'"):
        sluice.spark.fit(rows, quick(), where="cluster")
    with pytest.raises(sluice.DataError, match="df: there is no column 'y'"):
        sluice.spark.fit(rows.drop("y"), quick())


def departments(days=80):
    df, futr_df = with_inputs(100)
    df["dep"] = np.where(df["unique_id"] < "S3", "food", "toys")
    return df, futr_df


def test_groups_have_models_of_their_own(spark):
    df, futr_df = departments()
    rows = on_spark(spark, duplicated(df, "S5/item 5").query("unique_id != 'S3/item 3'"))
    forecaster = quick(futr_exog_list=["price", "promotion"], stat_exog_list=["shop", "area"])
    models = sluice.spark.fit(rows, forecaster, by="dep").cache()
    made = {row["dep"]: row for row in models.collect()}
    assert made["food"]["series"] == 3 and made["food"]["reason"] is None
    assert made["toys"]["model"] is None and "a second row for series 'S5/item 5'" in made["toys"]["reason"]
    for future in (on_spark(spark, futr_df), futr_df, on_spark(spark, futr_df.assign(dep=df["dep"].iloc[0]))):
        forecasts = sluice.spark.forecast(rows, models, futr_df=future).toArrow()
        food = forecaster.fit(df[df["dep"] == "food"]).predict(futr_df=futr_df[futr_df["unique_id"] < "S3"])
        same_numbers(forecasts.filter(pa.compute.is_null(forecasts["reason"])), food)
        why = reasons(forecasts)
        assert {"S4/item 4", "S5/item 5"} <= set(why)
    assert why["S4/item 4"].startswith("its group has no model: df: row ")


def test_a_groups_model_is_a_file_of_the_program(spark, df, tmp_path, program):
    models = sluice.spark.fit(on_spark(spark, df.assign(dep=1)), quick(), by=["dep"])
    row = models.first()
    (tmp_path / "model.safetensors").write_bytes(row["model"])
    same_numbers(sluice.Forecaster.load(tmp_path / "model.safetensors").predict(df), quick().fit(df).predict())
    assert "predict_day = 7" in program("info", tmp_path / "model.safetensors")


def test_what_columns_lack_is_said_at_once(spark, fitted, df):
    rows = on_spark(spark, df)
    with pytest.raises(sluice.DataError, match="df: there is no column 'y' .target_col.; its columns are 'unique_id'"):
        sluice.spark.forecast(rows.drop("y"), fitted)
    with pytest.raises(sluice.DataError, match="df: the time column 'ds' is of type string; make it a date"):
        sluice.spark.forecast(rows.withColumn("ds", rows["ds"].cast("string")), fitted)
    with pytest.raises(sluice.DataError, match="df: column 'y.1' has a dot in its name, which mapInArrow of"):
        sluice.spark.fit(rows.withColumnRenamed("y", "y.1"), quick(target_col="y.1"))
    with pytest.raises(sluice.ConfigError, match="partitions is 0; give a whole number from 1"):
        sluice.spark.forecast(rows, fitted, partitions=0)
    inputs, futr_df = with_inputs()
    forecaster = forecaster_of_inputs(inputs)
    with pytest.raises(sluice.DataError, match="the model needs 'price', 'promotion' for the horizon: give futr_df"):
        sluice.spark.forecast(on_spark(spark, inputs), forecaster)
    with pytest.raises(sluice.DataError, match="futr_df: column 'price' is of type string, and df's is of type double"):
        sluice.spark.forecast(on_spark(spark, inputs), forecaster, futr_df=futr_df.astype({"price": str}))


def test_a_strict_forecaster_makes_a_bad_series_an_error(spark, df):
    forecaster = quick(settings={"forecast.strict": True}).fit(df)
    with pytest.raises(Exception, match="forecast.strict = true, and 1 of .* series cannot be forecast: 'b'"):
        sluice.spark.forecast(on_spark(spark, duplicated(df, "b")), forecaster).toArrow()


def test_100_000_series_in_bounded_memory(spark):
    """6 million rows, 200 MiB of them in Arrow; the processes themselves take 180 MiB each."""
    script = pathlib.Path(os.environ["SLUICE_SOURCE_DIR"]) / "benchmarks/scale/memory.py"
    done = subprocess.run([sys.executable, script, "spark", "--series", "100000", "--rows-at-once", "100000"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    peaks = json.loads(done.stdout.splitlines()[-1])["peak_mib"]
    assert max(peaks["worker"]) < 250 and max(peaks["driver"]) < 250, peaks
