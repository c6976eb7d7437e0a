"""Forecasts and trainings on a local Ray: the numbers, types and errors of one process."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from conftest import quick, sales
from scale_case import (duplicated, ended_long_ago, forecaster_of_inputs, reasons, same_numbers,
                        with_inputs)

import sluice
import sluice.ray
from sluice._plan import Request

pytestmark = pytest.mark.scale
MANY = [f"s{i}" for i in range(30)]


@pytest.fixture(scope="module")
def data():
    ray = pytest.importorskip("ray", reason="pip install -r python/requirements-scale.txt")
    ray.init(num_cpus=3, include_dashboard=False, object_store_memory=300 * 2**20, logging_level="ERROR",
             log_to_driver=False)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    context.default_hash_shuffle_parallelism = 2
    yield ray.data
    ray.shutdown()


def on_ray(data, df, **types):
    """In an order of its own, in three blocks."""
    table = pa.Table.from_pandas(df.sample(frac=1, random_state=1), preserve_index=False)
    for name, kind in types.items():
        table = table.set_column(table.schema.get_field_index(name), name, table[name].cast(kind))
    third = len(df) // 3 + 1
    return data.from_arrow([table.slice(0, third), table.slice(third, third), table.slice(2 * third)])


def gathered(ds):
    return pa.concat_tables(ds.iter_batches(batch_format="pyarrow", batch_size=None))


def test_the_numbers_are_those_of_one_process(data, fitted):
    df = sales(MANY)
    made = gathered(sluice.ray.forecast(on_ray(data, df), fitted, partitions=3, rows_at_once=200))
    assert made.schema.names == ["unique_id", "ds", "sluice", "sluice-lo-80", "sluice-hi-80", "reason"]
    assert reasons(made) == {}
    same_numbers(made, fitted.predict(df))


def test_small_blocks_cut_no_series(data, fitted):
    context = data.DataContext.get_current()
    before, context.target_max_block_size = context.target_max_block_size, 500
    try:
        df = sales(MANY)
        same_numbers(gathered(sluice.ray.forecast(on_ray(data, df), fitted, partitions=2)), fitted.predict(df))
    finally:
        context.target_max_block_size = before


def test_a_models_file_serves_and_pandas_blocks_too(data, df, tmp_path):
    renamed = {"unique_id": "item.id", "ds": "day", "y": "sold"}
    forecaster = quick(id_col="item.id", time_col="day", target_col="sold").fit(df.rename(columns=renamed))
    forecaster.save(tmp_path / "model.safetensors")
    ds = data.from_pandas(df.rename(columns=renamed).assign(other=1))
    made = gathered(sluice.ray.forecast(ds, tmp_path / "model.safetensors", h=3))
    assert made.schema.names[:2] == ["item.id", "day"]
    same_numbers(made.rename_columns(["unique_id", "ds", *made.schema.names[2:]]), quick().fit(df).predict(h=3))


def test_bad_series_come_back_with_a_reason_and_lose_no_other(data):
    df = ended_long_ago()
    forecaster = quick().fit(df[df["unique_id"] != "over"])
    made = gathered(sluice.ray.forecast(on_ray(data, duplicated(df, "a")), forecaster))
    why = reasons(made)
    assert set(why) == {"a", "over"}
    assert "a second row for series 'a' 2024-01-01" in why["a"]
    expected = forecaster.predict(df)
    assert why["over"] == {one["unique_id"]: one["reason"] for one in forecaster.left_out_}["over"]
    same_numbers(made.filter(pc.is_null(made["reason"])), expected[expected["unique_id"] != "a"])


def test_known_inputs_are_joined_by_series(data):
    df, futr_df = with_inputs()
    forecaster = forecaster_of_inputs(df)
    expected = forecaster.predict(futr_df=futr_df)
    ds = on_ray(data, df)
    same_numbers(gathered(sluice.ray.forecast(ds, forecaster, futr_df=on_ray(data, futr_df))), expected)
    for_all = futr_df[futr_df["unique_id"] == "S0/item 0"].drop(columns="unique_id")
    same_numbers(gathered(sluice.ray.forecast(ds, forecaster, futr_df=for_all)), forecaster.predict(futr_df=for_all))


@pytest.mark.parametrize("ids, kind", [([2**40, 2, 3], pa.int64()), ([1, 22, 999], pa.decimal128(19, 0))])
def test_ids_keep_their_types(data, fitted, df, ids, kind):
    df["unique_id"] = [ids["abc".index(one)] for one in df["unique_id"]]
    made = gathered(sluice.ray.forecast(on_ray(data, df, unique_id=kind), fitted))
    assert made.schema.field("unique_id").type == kind
    same_numbers(made, fitted.predict(df))


@pytest.mark.parametrize("kind", [pa.date32(), pa.timestamp("us", "Europe/Berlin")])
def test_times_keep_their_types_and_zones(data, kind):
    """The forecast's days pass the change to summer time, on 31 March 2024."""
    days = pd.date_range("2024-01-01", periods=87)
    df = pd.DataFrame({"unique_id": np.repeat(["a", "b"], 87), "ds": np.tile(days, 2), "y": np.arange(174) % 7 + 3.0})
    if pa.types.is_timestamp(kind) and kind.tz:
        df["ds"] = df["ds"].dt.tz_localize(kind.tz)
    forecaster = quick().fit(df)
    made = gathered(sluice.ray.forecast(on_ray(data, df, ds=kind), forecaster))
    assert made.schema.field("ds").type == kind
    expected = forecaster.predict(pa.Table.from_pandas(df, preserve_index=False))
    made = made.sort_by([("unique_id", "ascending"), ("ds", "ascending")])
    assert made["ds"].to_pylist() == expected["ds"].cast(kind).to_pylist()
    np.testing.assert_array_equal(made["sluice"].to_numpy(), expected["sluice"].to_numpy())


def test_targets_decimals_and_levels(data, df):
    df["z"] = 2 * df["y"]
    forecaster = quick(target_col=["y", "z"], level=[80, 99.5]).fit(df)
    cents = df.assign(y=df["y"].round(2), z=df["z"].round(2))
    ds = on_ray(data, cents, y=pa.decimal128(10, 2), z=pa.float32())
    made = gathered(sluice.ray.forecast(ds, forecaster, level=[99.5], h=2))
    same_numbers(made, forecaster.predict(cents.astype({"z": "float32"}), level=[99.5], h=2))


def test_actors_compute_with_their_cores(data, fitted, df, caplog):
    import ray

    request = Request(fitted, None, None, 1000)
    types = pa.Table.from_pandas(df).schema
    plan = request.plan(request.last_time(types, None, df["ds"].max()), False, None)
    assert sluice.ray._Actor([ray.put(plan)], 2).worker.texts["engine.threads"] == "2"
    same_numbers(gathered(sluice.ray.forecast(on_ray(data, df), fitted, num_cpus=2)), fitted.predict(df))
    assert "num_cpus is" not in caplog.text
    sluice.ray.forecast(on_ray(data, df), fitted, num_cpus=3)
    assert "num_cpus is 3 of the cluster's 3 cores: Ray's shuffle needs one beside the actors" in caplog.text


def test_fit_makes_the_model_of_the_sorted_table(data, df):
    ds = on_ray(data, df)
    expected = quick().fit(df).predict(df)
    for where in ("driver", "worker"):
        forecaster = quick()
        assert sluice.ray.fit(ds, forecaster, where=where) is forecaster
        same_numbers(forecaster.predict(df), expected)
    with pytest.raises(sluice.ConfigError, match="where is 'cluster'; give 'driver' or 'worker'"):
        sluice.ray.fit(ds, quick(), where="cluster")


def test_groups_have_models_of_their_own(data):
    df, futr_df = with_inputs()
    df, futr_df = (one.assign(dep=np.where(one["unique_id"] < "S3", "food", "toys")) for one in (df, futr_df))
    ds = on_ray(data, duplicated(df, "S5/item 5"))
    forecaster = quick(futr_exog_list=["price", "promotion"], stat_exog_list=["shop", "area"])
    models = sluice.ray.fit(ds, forecaster, by="dep").materialize()
    made = {row["dep"]: row for row in models.take_all()}
    assert made["food"]["series"] == made["toys"]["series"] == 3 and made["food"]["reason"] is None
    assert made["toys"]["model"] is None and "a second row for series 'S5/item 5'" in made["toys"]["reason"]
    forecasts = gathered(sluice.ray.forecast(ds, models, futr_df=on_ray(data, futr_df)))
    future = futr_df[futr_df["dep"] == "food"].drop(columns="dep")
    food = forecaster.fit(df[df["dep"] == "food"]).predict(futr_df=future)
    same_numbers(forecasts.filter(pc.is_null(forecasts["reason"])), food)
    why = reasons(forecasts)
    assert set(why) == {"S3/item 3", "S4/item 4", "S5/item 5"}
    assert why["S4/item 4"].startswith("its group has no model: df: row ")


def test_what_cannot_be_is_said_at_once(data, fitted, df, tmp_path):
    ds = on_ray(data, df)
    (tmp_path / "broken.safetensors").write_bytes(b"not a model")
    with pytest.raises(sluice.DataError, match="broken.safetensors"):
        sluice.ray.forecast(ds, tmp_path / "broken.safetensors")
    with pytest.raises(sluice.DataError, match="df: there is no column 'y' .target_col.; its columns are 'unique_id'"):
        sluice.ray.forecast(ds.drop_columns(["y"]), fitted)
    with pytest.raises(sluice.DataError, match="df: the time column 'ds' is of type .*string; make it a date"):
        sluice.ray.forecast(on_ray(data, df.assign(ds=df["ds"].astype(str))), fitted)
    inputs, futr_df = with_inputs()
    with pytest.raises(sluice.DataError, match="futr_df: column 'price' is of type .*string, and df's is of"):
        sluice.ray.forecast(on_ray(data, inputs), forecaster_of_inputs(inputs), futr_df=futr_df.astype({"price": str}))


def test_a_failure_that_is_no_series_ends_the_job_with_its_words(data, df):
    forecaster = quick(settings={"forecast.strict": True}).fit(df)
    with pytest.raises(Exception, match="forecast.strict = true, and 1 of .* series cannot be forecast: 'b'"):
        gathered(sluice.ray.forecast(on_ray(data, duplicated(df, "b")), forecaster))
