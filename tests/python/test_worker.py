"""A worker of Spark or Ray: whatever its part of a table, the numbers are those of the whole table."""

import copy
import decimal
import pickle
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from conftest import H, quick, sales
from scale_case import (duplicated, ended_long_ago, forecaster_of_inputs, reasons, same_numbers, sorted_by_series,
                        with_inputs)

import sluice
from sluice import _worker
from sluice._plan import Request
from sluice._train import group_columns
from sluice._worker import FUTURE, Worker, series_starts, whole_series


def arrow(df):
    return pa.Table.from_pandas(df, preserve_index=False)


def plan_of(forecaster, df, rows_at_once=1000, future=None, marked=False, **asked):
    request = Request(forecaster, asked.get("h"), asked.get("level"), rows_at_once)
    last = request.last_time(arrow(df).schema, None, df["ds"].max())
    return request.plan(last, marked, future)


def forecast(plan, *parts, threads=1):
    """By one worker for each part; parts are sorted by series as the engines do it."""
    made = []
    for part in parts:
        order = [name for name in (*plan.ids, FUTURE, plan.time) if name in part]
        rows = arrow(part.sort_values(order)).to_batches(max_chunksize=37)
        made += Worker(plan, threads).forecast(rows)
    return pa.Table.from_batches(made)


@pytest.mark.parametrize("rows_at_once", [1, 100, 10_000])
def test_parts_and_chunks_give_the_numbers_of_the_whole(fitted, rows_at_once):
    df = sales([f"s{i}" for i in range(20)])
    parts = [df[df["unique_id"].isin(ids)] for ids in (["s3"], [f"s{i}" for i in range(20) if i != 3])]
    same_numbers(forecast(plan_of(fitted, df, rows_at_once), *parts), fitted.predict(df))


def test_wide_models_differ_in_their_last_bits_at_most():
    """Their products are summed in an order that depends on the size of a batch."""
    df = sales([f"s{i}" for i in range(100)])
    settings = {"network.hidden_size": 256, "training.steps": 5, "training.steps_per_epoch": 5}
    forecaster = quick(settings=settings).fit(df)
    got = sorted_by_series(forecast(plan_of(forecaster, df, rows_at_once=1), df))
    expected = sorted_by_series(forecaster.predict(df))
    for name in ("sluice", "sluice-lo-80", "sluice-hi-80"):
        np.testing.assert_allclose(got[name], expected[name], rtol=2 * 2**-23, atol=0)


def test_the_number_of_threads_changes_no_bit(fitted):
    df = sales([f"s{i}" for i in range(20)])
    plan = plan_of(fitted, df)
    assert forecast(plan, df, threads=1).equals(forecast(plan, df, threads=3))


def test_a_chunk_ends_where_a_series_does():
    ids = [1] * 5 + [2] * 1 + [3] * 12 + [4] * 2 + [None] * 3
    batches = pa.table({"id": pa.array(ids, pa.int64())}).to_batches(max_chunksize=4)
    chunks = [table["id"].to_pylist() for table in whole_series(batches, ("id",), 4)]
    assert sum(chunks, []) == ids
    seen = [one for chunk in chunks for one in dict.fromkeys(chunk)]
    assert len(seen) == len(set(seen)) == 5, "a series is cut"
    assert len(chunks) >= 3


def test_series_of_several_id_columns_begin_where_any_changes():
    table = pa.table({"a": ["x", "x", "x", "y"], "b": pa.array(["1", "1", "2", "2"]).dictionary_encode()})
    assert series_starts(table, ["a", "b"]) == [0, 2, 3]
    assert series_starts(table.slice(0, 0), ["a", "b"]) == []


def test_bad_series_come_back_with_their_reasons_and_lose_no_other(fitted):
    df = sales([f"s{i}" for i in range(9)])
    bad = duplicated(df, "s2")
    bad.loc[bad["unique_id"] == "s4", "y"] = np.inf
    bad.loc[bad["unique_id"] == "s6", "y"] = None
    bad = bad[bad["ds"] > "2024-01-05"]
    bad = pd.concat([bad, bad[bad["unique_id"] == "s2"].iloc[[0]]])
    made = forecast(plan_of(fitted, df), bad)
    why = reasons(made)
    assert set(why) == {"s2", "s4", "s6"}
    assert why["s2"].startswith("df: row 1: a second row for series 's2' 2024-01-06 (the first one: df: row 0);")
    assert "inf is infinite" in why["s4"]
    assert why["s6"].startswith("no history: Forecaster.predict forecasts such a series from all others")
    kept = made.filter(pa.compute.is_null(made["reason"]))
    same_numbers(kept, fitted.predict(df[~df["unique_id"].isin(why) & (df["ds"] > "2024-01-05")]))


def test_a_strict_forecaster_makes_a_bad_series_an_error(df):
    forecaster = quick(settings={"forecast.strict": True}).fit(df)
    with pytest.raises(sluice.DataError, match=r"strict = true, and 1 of 3 series cannot be forecast: 'b' \(df: "):
        forecast(plan_of(forecaster, df), duplicated(df, "b"))
    same_numbers(forecast(plan_of(forecaster, df), df), forecaster.predict())


def test_a_series_that_ended_is_known_in_a_part_of_its_own():
    df = ended_long_ago()
    forecaster = quick().fit(df[df["unique_id"] != "over"])
    made = forecast(plan_of(forecaster, df), *(df[df["unique_id"] == one] for one in ("a", "b", "over")))
    same_numbers(made.filter(pa.compute.is_null(made["reason"])), forecaster.predict(df))
    assert reasons(made) == {one["unique_id"]: one["reason"] for one in forecaster.left_out_}
    assert "ended 2024-02-29" in reasons(made)["over"]


def test_histories_that_end_together_do_so_in_every_part():
    df = sales(("a", "b"))
    df = df[(df["unique_id"] != "b") | (df["ds"] < "2024-03-15")]
    forecaster = quick(settings={"data.gaps": "zero"}).fit(df)
    made = forecast(plan_of(forecaster, df), *(df[df["unique_id"] == one] for one in ("a", "b")))
    assert len(made["ds"].unique()) == H
    same_numbers(made, forecaster.predict())


def test_a_value_after_the_last_time_of_all_is_a_reason(fitted, df):
    plan = plan_of(fitted, df)
    late = pd.concat([df, df.tail(1).assign(ds=pd.Timestamp("2204-01-01"))])
    assert list(reasons(forecast(plan, late))) == ["c"]
    assert "2204-01-01 00:00:00 lies after the last time of all, 2024-03-20" in reasons(forecast(plan, late))["c"]
    ahead = pd.concat([df, df.tail(1).assign(ds=pd.Timestamp("2024-03-21"), y=None)])
    assert reasons(forecast(plan, ahead)) == {}


def marked(df, futr_df):
    return pd.concat([df.assign(**{FUTURE: False}), futr_df.assign(**{FUTURE: True})])


def test_known_inputs_and_statics_are_those_of_the_series():
    df, futr_df = with_inputs()
    forecaster = forecaster_of_inputs(df)
    rows = marked(df, futr_df)
    parts = [rows[rows["unique_id"].isin(ids)] for ids in (df["unique_id"].unique()[:2], df["unique_id"].unique()[2:])]
    plan = plan_of(forecaster, df, rows_at_once=150, marked=True)
    same_numbers(forecast(plan, *parts), forecaster.predict(futr_df=futr_df))


def test_known_inputs_without_ids_hold_for_every_series():
    df, futr_df = with_inputs()
    forecaster = forecaster_of_inputs(df)
    for_all = futr_df[futr_df["unique_id"] == "S0/item 0"].drop(columns="unique_id")
    plan = plan_of(forecaster, df, future=arrow(for_all))
    same_numbers(forecast(plan, df), forecaster.predict(futr_df=for_all))


def test_series_without_known_inputs_or_history_say_so():
    df, futr_df = with_inputs()
    forecaster = forecaster_of_inputs(df)
    lacking, empty, new = df["unique_id"].unique()[:2].tolist() + ["new"]
    late = (futr_df["unique_id"] != lacking) | (futr_df["ds"] > "2024-04-01")
    some = futr_df[(futr_df["unique_id"] != empty) & late]
    rows = marked(df, pd.concat([some, futr_df.head(H).assign(unique_id=new)]))
    old, fresh = rows[rows["unique_id"] != new], rows[rows["unique_id"] == new]
    made = forecast(plan_of(forecaster, df, marked=True), old, fresh)
    why = reasons(made)
    assert why[lacking] == "no price, promotion for 2024-03-30 and 2 later steps"
    assert why[empty] == "no price, promotion for 2024-03-30 and 6 later steps"
    assert why[new].startswith("no history: ")
    alone = forecast(plan_of(forecaster, df, marked=True), rows[rows["unique_id"] == lacking])
    assert reasons(alone)[lacking] == why[lacking]


@pytest.mark.parametrize("ids, kind", [
    ([1, 2, 2**62], pa.int64()), ([-128, 0, 127], pa.int8()), ([0, 1, 255], pa.uint8()), ([-128, 126, 127], pa.int8()),
    (["x", "y", "z"], pa.large_string()),
    (["(the last time of all)", "b", "ü/1"], pa.string()), ([decimal.Decimal(7), 8, 99], pa.decimal128(2, 0)),
])
def test_ids_keep_their_type_and_are_never_the_clocks(fitted, df, ids, kind):
    table = arrow(df)
    column = pa.array([ids["abc".index(one)] for one in df["unique_id"]], kind)
    table = table.set_column(0, "unique_id", column).sort_by("unique_id")
    plan = plan_of(fitted, df)
    made = pa.Table.from_batches(Worker(plan, 1).forecast(table.to_batches()))
    assert made.schema.field("unique_id").type == kind
    assert made["unique_id"].unique().to_pylist() == pa.array(sorted(ids), kind).to_pylist()
    same_numbers(made, fitted.predict(table))


def test_horizon_levels_and_targets_are_those_asked_for(df):
    df["z"] = 2 * df["y"]
    forecaster = quick(target_col=["y", "z"], level=[50, 90, 99.5]).fit(df)
    plan = plan_of(forecaster, df, h=3, level=[99.5, 50])
    made = forecast(plan, df)
    assert made.schema.names == ["unique_id", "ds", "target", "sluice", "sluice-lo-99.5", "sluice-hi-99.5",
                                 "sluice-lo-50", "sluice-hi-50", "reason"]
    same_numbers(made, forecaster.predict(h=3, level=[99.5, 50]))


def test_decimal_targets_are_numbers(fitted, df):
    table = arrow(df)
    table = table.set_column(2, "y", table["y"].cast(pa.decimal128(38, 30), safe=False))
    made = pa.Table.from_batches(Worker(plan_of(fitted, df), 1).forecast(table.to_batches()))
    same_numbers(made, fitted.predict(table))


def test_a_model_is_read_once_in_a_process(fitted, df, monkeypatch):
    read = []
    monkeypatch.setattr(_worker, "_models", type(_worker._models)())
    monkeypatch.setattr(_worker.pickle, "loads", lambda content: read.append(content) or fitted)
    plans = [plan_of(fitted, df) for _ in range(3)]
    for plan in plans:
        Worker(plan, 1)
    assert len(read) == len({plan.key for plan in plans}) == 1


PEAK = """
import pickle, resource, sys
import numpy as np, pyarrow as pa
from sluice._worker import Worker

plan, count = pickle.load(open(sys.argv[1], "rb")), int(sys.argv[2])
days = np.datetime64("2024-01-01", "us") + np.arange(80).astype("timedelta64[D]")

def batches():
    for first in range(0, count, 100):
        ids = np.repeat([f"series {n:06d}" for n in range(first, first + 100)], 80)
        values = np.tile(np.arange(80) % 7 + 1.0, 100)
        yield from pa.table({"unique_id": ids, "ds": np.tile(days, 100), "y": values}).to_batches()

rows = sum(batch.num_rows for batch in Worker(plan, 1).forecast(batches()))
print(rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_memory_does_not_grow_with_the_number_of_series(fitted, df, tmp_path):
    """What would be held of 30,000 series more: 2.4 million rows of 32 bytes and more, 73 MiB."""
    (tmp_path / "plan").write_bytes(pickle.dumps(plan_of(fitted, df, rows_at_once=50_000)))

    def peak_mib(series):
        command = [sys.executable, "-c", PEAK, tmp_path / "plan", str(series)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        rows, peak = map(int, done.stdout.split())
        assert rows == H * series
        return peak

    assert peak_mib(32_000) - peak_mib(2_000) < 30


def test_remarks_on_parts_are_not_logged(fitted, df, caplog):
    with caplog.at_level("INFO", logger="sluice"):
        forecast(plan_of(fitted, df), df)
        assert not caplog.records
        fitted.predict(df[df["ds"] > "2024-01-05"])


def requested(forecaster):
    return Request(forecaster, None, None, 1000)


def last_time(forecaster, days):
    schema = arrow(sales(days=1)).schema
    times = pa.array(sorted(pd.to_datetime(days), reverse=True), schema.field("ds").type)
    return requested(forecaster).last_time(schema, times, None)[0].as_py()


def test_the_last_time_passes_over_what_a_mistake_is(fitted, caplog):
    days = pd.date_range("2024-01-01", "2024-03-20").tolist()
    assert last_time(fitted, days) == pd.Timestamp("2024-03-20")
    assert last_time(fitted, [*days, "2204-01-01", "2204-01-02"]) == pd.Timestamp("2024-03-20")
    assert "2204-01-02 00:00:00, is passed over: it lies a year after" in caplog.text
    assert last_time(fitted, [*days, "2024-03-20 13:30"]) == pd.Timestamp("2024-03-20")
    with pytest.raises(sluice.DataError, match="the last times of all cannot be steps of the model: .*give last_time"):
        last_time(fitted, [f"2024-03-20 {hour}:30" for hour in range(10, 22)])
    with pytest.raises(sluice.DataError, match="no series has any target value"):
        last_time(fitted, [])


def test_a_given_last_time_has_the_times_type(fitted):
    for kind, given, expected in ((pa.date32(), "2024-03-20", "2024-03-20"),
                                  (pa.timestamp("us"), "2024-03-20", "2024-03-20 00:00:00"),
                                  (pa.timestamp("us", "UTC"), "2024-03-20 00:00+00:00", "2024-03-20 00:00:00+00:00")):
        schema = pa.schema([("unique_id", pa.string()), ("ds", kind), ("y", pa.float64())])
        made = requested(fitted).last_time(schema, None, given)
        assert made.type == kind and str(made[0].as_py()) == expected
    with pytest.raises(sluice.ConfigError, match="last_time: 'today' is no value of type"):
        requested(fitted).last_time(schema, None, "today")
    with pytest.raises(sluice.ConfigError, match="the times have the zone UTC, so it needs one, too"):
        requested(fitted).last_time(schema, None, "2024-03-20")
    with pytest.raises(sluice.DataError, match="last_time: 2024-03-20 13:30:00.*cannot be one of the model's steps"):
        requested(fitted).last_time(schema, None, "2024-03-20 13:30+00:00")


def test_types_that_parts_would_read_differently_are_refused(fitted):
    good = {"unique_id": pa.string(), "ds": pa.date32(), "y": pa.float64()}
    requested(fitted).check_types(pa.schema(good.items()))
    for name, kind, words in (("unique_id", pa.float64(), "the id column 'unique_id' is of type double; make it text"),
                              ("ds", pa.string(), "the time column 'ds' is of type string; make it a date"),
                              ("y", pa.string(), "the target column 'y' is of type string; make it a number")):
        with pytest.raises(sluice.DataError, match=words):
            requested(fitted).check_types(pa.schema({**good, name: kind}.items()))


@pytest.mark.parametrize(("settings", "level", "outputs", "strict"), [
    (None, None, ("sluice", "sluice-lo-80", "sluice-hi-80"), False),
    (None, [], ("sluice",), False),
    ({"forecast.levels": "80", "forecast.strict": "true"}, None, ("sluice", "sluice-lo-80", "sluice-hi-80"), True),
    ({"forecast.levels": "", "forecast.strict": np.True_}, None, ("sluice",), True),
])
def test_a_plan_has_the_settings_of_a_forecast_however_they_are_written(fitted, df, settings, level, outputs, strict):
    plan = plan_of(copy.copy(fitted).set_params(settings=settings), df, level=level)
    assert (plan.outputs, plan.strict) == (outputs, strict)


def test_columns_of_groups_are_names_and_not_those_of_the_models():
    assert group_columns("by", "store") == ["store"] and group_columns("by", ("store", "dep")) == ["store", "dep"]
    for by, words in (([], "by names no column"), ([1], "by: 1 (int) is no column's name"),
                      ("model", "by: a column of groups cannot be called 'model'; rename it")):
        with pytest.raises(sluice.ConfigError, match=re.escape(words)):
            group_columns("by", by)


def test_what_the_driver_can_see_is_said_before_any_worker_begins(fitted, df):
    for asked, words in (({"h": 8}, "h is 8, and the model forecasts 1 to 7 steps"), ({"level": [120]}, "120"),
                         ({"level": [95]}, "asks for the quantile 0.025, and the model has 0.1, 0.5, 0.9")):
        with pytest.raises(sluice.ConfigError, match=words):
            plan_of(fitted, df, **asked)
    with pytest.raises(sluice.DataError, match="df: there is no column 'y' .target_col.; its columns are 'unique_id'"):
        requested(fitted).require(["unique_id", "ds"], None)
    with pytest.raises(sluice.ConfigError, match="futr_exog_list names no column of it.*or leave futr_df out"):
        requested(fitted).require(df.columns, ["unique_id", "ds"])
