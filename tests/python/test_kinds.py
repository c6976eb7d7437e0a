"""Tables come back as the kind that went in, ids and times as the types that they had."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from conftest import H, quick, sales

import sluice


def both(df):
    """Forecasts and windows of a training on df."""
    forecaster = quick().fit(df)
    return forecaster.predict(), forecaster.cross_validation(df)


@pytest.fixture(scope="module")
def expected():
    return both(sales())


PANDAS_IDS = {
    "int64": lambda df: df["unique_id"].map({"a": 1, "b": 2, "c": 10}).astype("int64"),
    "int32": lambda df: df["unique_id"].map({"a": 1, "b": 2, "c": 10}).astype("int32"),
    "object": lambda df: df["unique_id"].astype(object),
    "string": lambda df: df["unique_id"].astype("string"),
    "categorical": lambda df: df["unique_id"].astype(pd.CategoricalDtype(["z", "c", "b", "a"], ordered=True)),
    "categorical of numbers": lambda df: df["unique_id"].map({"a": 1, "b": 2, "c": 10}).astype("category"),
    "arrow": lambda df: df["unique_id"].astype(pd.ArrowDtype(pa.large_string())),
}


@pytest.mark.parametrize("ids", PANDAS_IDS)
def test_ids_of_pandas_keep_their_type(ids, expected):
    df = sales().assign(unique_id=PANDAS_IDS[ids])
    for out, plain in zip(both(df), expected, strict=True):
        assert out["unique_id"].dtype == df["unique_id"].dtype
        assert list(out["unique_id"].unique()) == list(df["unique_id"].unique())
        np.testing.assert_array_equal(out["sluice"], plain["sluice"])


PANDAS_TIMES = {
    "datetime64[ns]": lambda ds: ds.astype("datetime64[ns]"),
    "datetime64[us]": lambda ds: ds.astype("datetime64[us]"),
    "datetime64[s]": lambda ds: ds.astype("datetime64[s]"),
    "a zone": lambda ds: ds.dt.tz_localize("Europe/Berlin"),
    "UTC": lambda ds: ds.dt.tz_localize("UTC"),
    "dates": lambda ds: ds.dt.date,
    "arrow": lambda ds: ds.dt.date.astype(pd.ArrowDtype(pa.date32())),
}


@pytest.mark.parametrize("times", PANDAS_TIMES)
def test_times_of_pandas_keep_their_type(times, expected):
    kept = PANDAS_TIMES[times]
    df = sales().assign(ds=lambda df: kept(df["ds"]))
    for out, plain in zip(both(df), expected, strict=True):
        for column in {"ds", "cutoff"} & set(out.columns):
            assert out[column].dtype == df["ds"].dtype
            assert list(out[column]) == list(kept(plain[column]))
        np.testing.assert_array_equal(out["sluice"], plain["sluice"])


def test_times_that_are_text_become_times(expected):
    out = quick().fit(sales().assign(ds=lambda df: df["ds"].dt.strftime("%Y-%m-%d"))).predict()
    assert out["ds"].dtype == "datetime64[ns]"
    assert list(out["ds"]) == list(expected[0]["ds"])


def test_numbered_steps_stay_numbers():
    df = sales().assign(ds=lambda df: df.groupby("unique_id").cumcount().astype("int32"))
    out = quick(freq=1).fit(df).predict()
    assert out["ds"].dtype == "int32"
    assert list(out["ds"][:H]) == list(range(80, 80 + H))


def test_hours_of_a_zone_pass_the_change_of_its_clock():
    hours = pd.date_range("2024-03-25", periods=24 * 6, freq="h", tz="Europe/Berlin").astype(
        "datetime64[ns, Europe/Berlin]")  # the clock goes forward on the 31st, just behind them
    df = pd.DataFrame({"unique_id": "a", "ds": hours, "y": 10.0 + (np.arange(len(hours)) % 24)})
    out = quick(freq="h", settings={"network.predict_day": 24}, h=None).fit(df).predict()
    assert out["ds"].dtype == df["ds"].dtype
    assert list(out["ds"]) == list(pd.date_range(hours[-1], periods=25, freq="h")[1:])


def test_a_midnight_that_comes_twice_is_the_first_one():
    shift = pd.Timestamp("2024-08-13") - pd.Timestamp("2024-01-01")
    df = sales().assign(ds=lambda df: (df["ds"] + shift).dt.tz_localize("America/Havana"))
    out = quick().fit(df).predict()
    assert out["ds"].dtype == df["ds"].dtype
    twice = pd.Timestamp("2024-11-03").tz_localize("America/Havana", ambiguous=True)
    assert out["ds"][2] == twice


@pytest.mark.parametrize(("zone", "skipped"), [("Africa/Cairo", "2024-04-26"), ("America/Santiago", "2024-09-08")])
def test_a_day_without_a_midnight_begins_an_hour_later(zone, skipped):
    day = pd.Timestamp(skipped)
    days = pd.DatetimeIndex(pd.date_range(day - pd.Timedelta(days=80), day + pd.Timedelta(days=20)).as_unit("us"))
    df = pd.DataFrame({"unique_id": "a", "ds": days.tz_localize(zone, nonexistent="shift_forward"),
                       "y": 10.0 + np.arange(len(days)) % 7})
    before = df.head(78)
    out = quick().fit(before).predict()  # over the skipped midnight
    assert list(out["ds"]) == list(df["ds"][78:85])
    for freq in ("D", None):
        out = quick(freq=freq).fit(df).predict()  # from a history that has it
        assert list(out["ds"].dt.tz_localize(None)) == list(pd.date_range(days[-1], periods=H + 1)[1:])
    windows = quick().cross_validation(df, n_windows=4)
    assert set(windows["ds"]) == set(df["ds"][-28:])


POLARS = {
    "String": ({}, {}),
    "Categorical": ({"unique_id": pl.Categorical}, {}),
    "Enum": ({"unique_id": pl.Enum(["c", "b", "a"])}, {}),
    "Date": ({"ds": pl.Date}, {}),
    "milliseconds": ({"ds": pl.Datetime("ms")}, {}),
    "microseconds": ({"ds": pl.Datetime("us")}, {}),
    "float32": ({"y": pl.Float32}, {"rtol": 1e-4}),
}


@pytest.mark.parametrize("types", POLARS)
def test_polars_comes_back_as_polars(types, expected):
    casts, tolerance = POLARS[types]
    df = pl.DataFrame(sales()).cast(casts)
    for out, plain in zip(both(df), expected, strict=True):
        assert isinstance(out, pl.DataFrame)
        for column, source in {"unique_id": "unique_id", "ds": "ds", "cutoff": "ds"}.items():
            if column in out.columns:
                assert out.schema[column] == df.schema[source]
        assert out["unique_id"].cast(pl.String).to_list() == list(plain["unique_id"])
        assert out["ds"].cast(pl.Datetime("ns")).to_list() == list(plain["ds"])
        np.testing.assert_allclose(out["sluice"], plain["sluice"], **{"rtol": 0, **tolerance})


def test_polars_keeps_a_zone(expected):
    df = pl.DataFrame(sales()).with_columns(pl.col("ds").dt.replace_time_zone("Europe/Berlin"))
    out = quick().fit(df).predict()
    assert out.schema["ds"] == pl.Datetime("ns", "Europe/Berlin")
    assert out["ds"].dt.replace_time_zone(None).to_list() == list(expected[0]["ds"])


@pytest.mark.parametrize("id_type", [pa.string(), pa.large_string(), pa.string_view(), pa.int16(),
                                     pa.dictionary(pa.int8(), pa.string())], ids=str)
@pytest.mark.parametrize("time_type", [pa.date32(), pa.timestamp("s"), pa.timestamp("us", "Asia/Tokyo")], ids=str)
def test_pyarrow_comes_back_as_pyarrow(id_type, time_type, expected):
    df = sales()
    if id_type == pa.int16():
        df["unique_id"] = df["unique_id"].map({"a": 1, "b": 2, "c": 10})
    ids = pa.array(df["unique_id"])
    ids = ids.dictionary_encode().cast(id_type) if pa.types.is_dictionary(id_type) else ids.cast(id_type)
    times = pa.array(df["ds"])
    if time_type == pa.timestamp("us", "Asia/Tokyo"):
        times = pa.compute.assume_timezone(times, "Asia/Tokyo")
    table = pa.table({"unique_id": ids, "ds": times.cast(time_type), "y": df["y"].to_numpy()})
    for out, plain in zip(both(table), expected, strict=True):
        assert isinstance(out, pa.Table)
        assert out.schema.field("unique_id").type in (id_type, pa.large_string() if id_type == pa.string_view() else None)
        assert out.schema.field("ds").type == time_type
        assert out["unique_id"].unique().to_pylist() == table["unique_id"].unique().to_pylist()
        np.testing.assert_array_equal(out["sluice"], plain["sluice"])


def test_whatever_has_an_arrow_stream_is_read_and_comes_back_as_pyarrow(expected):
    class Lake:
        def __arrow_c_stream__(self, requested_schema=None):
            return pa.table(sales()).__arrow_c_stream__(requested_schema)

    out = quick().fit(Lake()).predict()
    assert isinstance(out, pa.Table)
    np.testing.assert_array_equal(out["sluice"], expected[0]["sluice"])


def test_ids_and_times_in_an_index_are_found(expected):
    out = quick().fit(sales().set_index(["unique_id", "ds"])).predict()
    pd.testing.assert_frame_equal(out, expected[0])


def test_new_categories_of_the_future_are_kept():
    df = sales().assign(unique_id=lambda df: df["unique_id"].astype("category"), price=1.0)
    days = pd.date_range("2024-03-21", periods=H)
    future = pd.concat([pd.DataFrame({"unique_id": one, "ds": days, "price": 1.0}) for one in "abcd"])
    out = quick(futr_exog_list=["price"]).fit(df).predict(futr_df=future)
    assert list(out["unique_id"].unique()) == ["a", "b", "c", "d"]
    assert list(out["new_item"]) == [0] * 3 * H + [1] * H


def test_new_words_of_a_polars_enum_are_kept():
    df = pl.DataFrame(sales().assign(price=1.0)).with_columns(pl.col("unique_id").cast(pl.Enum(["c", "b", "a"])))
    days = pd.date_range("2024-03-21", periods=H)
    future = pd.concat([pd.DataFrame({"unique_id": one, "ds": days, "price": 1.0}) for one in "abcd"])
    out = quick(futr_exog_list=["price"]).fit(df).predict(futr_df=pl.DataFrame(future))
    assert out["unique_id"].dtype == pl.Enum(["c", "b", "a", "d"])
    assert out["unique_id"].unique(maintain_order=True).to_list() == ["a", "b", "c", "d"]


TEXTS = {
    "str": lambda days: days.dt.strftime("%Y-%m-%d"),
    "object": lambda days: days.dt.strftime("%Y-%m-%d").astype(object),
    "category": lambda days: days.dt.strftime("%Y-%m-%d").astype("category"),
    "int64": lambda days: days.dt.strftime("%Y%m%d").astype("int64"),
    "categories of int64": lambda days: days.dt.strftime("%Y%m%d").astype("int64").astype("category"),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_texts_and_numbers_that_are_days_become_times(kind, expected):
    df = sales().assign(ds=TEXTS[kind](sales()["ds"]))
    pd.testing.assert_frame_equal(quick().fit(df).predict(), expected[0])
    of_polars = quick().fit(pl.DataFrame(df)).predict()
    assert of_polars["ds"].to_list() == list(expected[0]["ds"])


def test_simulated_tables_are_of_the_kind_asked_for():
    for like, kind in (("pandas", pd.DataFrame), ("polars", pl.DataFrame), ("pyarrow", pa.Table)):
        df, futr_df = sluice.simulate(stores=1, items=2, days=120, like=like)
        assert isinstance(df, kind) and isinstance(futr_df, kind)
    assert sluice.simulate(1, 2, 120)[0]["ds"].dtype == "datetime64[ns]"
    with pytest.raises(sluice.ConfigError, match="like must be 'pandas'"):
        sluice.simulate(like="numpy")


