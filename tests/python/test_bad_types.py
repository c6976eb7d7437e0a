"""Types and rows that cannot be used, of pandas, polars and pyarrow alike: where, what, and what would be accepted."""

import datetime
import decimal
import re
import uuid

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from conftest import H, quick, sales
from test_forecasts import known_ahead

import sluice
from sluice import _frames

DF = sales()
N = len(DF)
KINDS = {"pandas": lambda df: df, "polars": pl.DataFrame, "pyarrow": lambda df: pa.Table.from_pandas(df, preserve_index=False)}
kinds = pytest.mark.parametrize("kind", KINDS)


def refused(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call()


ROWS = {
    "no rows": (DF[:0], "df: has no rows; give the history of one series at least"),
    "a column is missing": (DF.drop(columns="ds"), "df: there is no column 'ds' (time_col); its columns are 'unique_id', 'y'"),
    "a row twice": (pd.concat([DF, DF[7:8]]), "df: row 240: a second row for series 'a' 2024-01-08 (the first one: df: row 7); "
                                              "remove one"),
    "a time is missing": (DF.assign(ds=DF["ds"].where(DF.index != 5)), "df: row 5: column 'ds': the time is missing; fill the "
                                                                       "cell or remove the row"),
    "an id is missing": (DF.assign(unique_id=DF["unique_id"].where(DF.index != 5)), "df: row 5: column 'unique_id': the id is "
                                                                                    "missing"),
    "infinity": (DF.assign(y=DF["y"].where(DF.index != 5, np.inf)), "df: row 5: column 'y': inf is infinite"),
    "a row off the grid": (DF.assign(ds=DF["ds"].where(DF.index != 5, DF["ds"] + pd.Timedelta(hours=3))),
                           "df: row 5: column 'ds': series 'a' 2024-01-06 03:00:00 is not on the grid of frequency D"),
    "hours among days": (pd.concat([DF, pd.DataFrame({"unique_id": "w", "ds": pd.date_range("2024-01-01", periods=9, freq="h"),
                                                      "y": 1.0})]),
                         "df: row 241: column 'ds': series 'w' 2024-01-01 01:00:00 is not on the grid of frequency D"),
    "a word": (DF.assign(y=DF["y"].astype(str).where(DF.index != 5, "x")), "df: row 5: column 'y': 'x' is not a number"),
    "no values": (DF.assign(y=np.nan), "df: no series has any target value"),
    "times as values": (DF.assign(y=DF["ds"]), "row 0 has 2024-01-01 00:00:00, and numbers are needed; give numbers, as days "
                                               "since a date"),
    "spans as values": (DF.assign(y=DF["ds"] - DF["ds"].min()), "and numbers are needed; give df['y'].dt.total_seconds()"),
    "lists": (DF.assign(y=[[1]] * N), "row 0 has [1]; make them numbers, texts or times"),
}


@kinds
@pytest.mark.parametrize("what", ROWS)
def test_every_kind_of_table_names_the_row(what, kind):
    df, message = ROWS[what]
    if (what, kind) == ("lists", "polars"):
        message = "row 0 has shape: (1,) Series: '' [i64] [ 1 ]; make them numbers"
    refused(lambda: quick().fit(KINDS[kind](df)), sluice.DataError, message)


@kinds
def test_rows_may_come_in_any_order(kind, fitted):
    mixed = KINDS[kind](DF.sample(frac=1, random_state=3).reset_index(drop=True))
    expected = fitted.predict().sort_values(["unique_id", "ds"])["sluice"].to_numpy()
    found = sluice.Forecaster(**fitted.get_params()).fit(mixed).predict()
    found = pd.DataFrame({name: list(found[name]) if kind != "pyarrow" else found[name].to_pylist()
                          for name in ("unique_id", "ds", "sluice")})
    assert len(found) == 3 * H
    np.testing.assert_array_equal(found.sort_values(["unique_id", "ds"])["sluice"].to_numpy(), expected)


def pandas_with(**columns):
    return DF.assign(**columns)


def polars_with(**columns):
    return pl.DataFrame(DF).with_columns(**columns)


def arrow_with(name, values):
    table = KINDS["pyarrow"](DF)
    return table.set_column(table.schema.get_field_index(name), name, values)


ids = [uuid.uuid4()] * N
TYPES = {
    "a Series": (DF["y"], "df: Series is no table"),
    "a Series of polars": (pl.DataFrame(DF)["y"], "df: Series is no table"),
    "categories that are numbers": (pandas_with(y=DF["y"].round().astype("category")), "give the numbers themselves, as "
                                                                                       "df['y'].astype(float)"),
    "intervals": (pandas_with(y=pd.cut(DF["y"], 5)), "give the numbers themselves"),
    "tuples": (pandas_with(unique_id=pd.Series([("a", 1)] * N)), "column 'unique_id' (object, row 0 has ('a', 1)): "),
    "objects that fail": (pandas_with(unique_id=pd.Series([uuid.UUID(int=i) for i in np.ones(N, int)])),
                          "df: column 'unique_id' (object, row 0 has 00000000-0000-0000-0000-000000000001): "),
    "bytes": (pandas_with(y=b"1"), "df: column 'y' holds values of type binary, row 0 has b'1'"),
    "bytes of polars": (polars_with(y=pl.lit(b"1")), "df: column 'y' holds values of type binary_view, row 0 has b'1'"),
    "structs": (polars_with(unique_id=pl.struct("unique_id")), "row 0 has {'unique_id': 'a'}; make them numbers, texts or times"),
    "what Arrow lacks": (polars_with(y=pl.col("y").cast(pl.Int128)), "df: column 'y' (Int128) has a type that Arrow does not know"),
    "hours of a day": (polars_with(y=pl.lit(datetime.time(1))), "row 0 has 01:00:00, and numbers are needed"),
    "long decimals": (arrow_with("y", pa.array([decimal.Decimal("1.5")] * N, pa.decimal256(50, 3))),
                      "row 0 has 1.500, and numbers are needed; make them of type float64"),
    "extensions": (arrow_with("unique_id", pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0" * 16] * N, pa.binary(16)))),
                   "df: column 'unique_id' holds values of type extension<arrow.uuid>, row 0 has 30303030-"),
    "runs": (arrow_with("y", pa.RunEndEncodedArray.from_arrays([N], [1.0])), "row 0 has 1.0; make them numbers"),
}


@pytest.mark.parametrize("what", TYPES)
def test_a_type_that_cannot_be_used_shows_a_value_and_the_remedy(what):
    df, message = TYPES[what]
    refused(lambda: quick().fit(df), sluice.DataError, message)


def test_the_first_value_that_is_there_is_shown():
    missing = pd.Series([None, pd.NA, float("nan"), *ids[3:]], dtype=object)
    refused(lambda: quick().fit(pandas_with(unique_id=missing)), sluice.DataError, f"row 3 has {ids[0]}")


READ = {
    "sparse": pandas_with(y=pd.arrays.SparseArray(DF["y"].to_numpy())),
    "nullable": pandas_with(y=DF["y"].astype("Float64")),
    "texts": pandas_with(y=DF["y"].astype(str)),
    "a batch": pa.Table.from_pandas(DF).combine_chunks().to_batches()[0],
}


@pytest.mark.parametrize("what", READ)
def test_other_types_that_say_the_same_are_read(what, fitted):
    found = sluice.Forecaster(**fitted.get_params()).fit(READ[what]).predict()
    np.testing.assert_allclose(np.asarray(found["sluice"]), fitted.predict()["sluice"], rtol=1e-6)


def objects(times):
    return pandas_with(ds=pd.Series(list(times), dtype=object))


@pytest.mark.parametrize("zones", [(None, "UTC"), ("UTC", None), ("Asia/Tokyo", "UTC")])
def test_objects_of_several_zones_are_refused(zones):
    times = [time.tz_localize(zones[0] if row < 80 else zones[1]) for row, time in enumerate(DF["ds"])]
    message = (f"df: column 'ds' (object) holds times of several zones: row 0 has {times[0]}, row 80 {times[80]}; make them times "
               f"of one zone, or without one: pd.to_datetime(df['ds'], utc=True)")
    refused(lambda: quick().fit(objects(times)), sluice.DataError, message)


def test_objects_of_one_zone_are_read(fitted):
    times = DF["ds"].dt.tz_localize("Europe/Berlin")
    found = quick().fit(objects(times)).predict()
    np.testing.assert_array_equal(found["sluice"], fitted.predict()["sluice"])
    refused(lambda: quick().fit(objects(times.where(DF.index != 5))), sluice.DataError, "row 5: column 'ds': the time is missing")


def test_a_column_named_by_a_number_is_read_by_its_text_and_no_input(fitted):
    numbered = DF.assign(seven=7.0).set_axis(["unique_id", "ds", "y", 7], axis="columns")
    assert _frames.Frame(numbered, "df").columns(["7"])["7"].to_pylist() == [7.0] * N
    pd.testing.assert_frame_equal(sluice.Forecaster(**fitted.get_params()).fit(numbered).predict(), fitted.predict())
    refused(lambda: quick(hist_exog_list=["7"]).fit(numbered), sluice.ConfigError,
            "hist_exog_list: '7' would be read as a column's place; rename the column")


@pytest.fixture(scope="module")
def priced():
    df, future = known_ahead(DF)
    return quick(futr_exog_list=["price"]).fit(df), df, future


def zoned(df):
    return df.assign(ds=df["ds"].dt.tz_localize("Asia/Tokyo"))


ZONES = {
    ("pandas", False): "futr_df: the times of 'ds' have the zone Asia/Tokyo, those of df have no zone; give both alike, as by "
                       "futr_df['ds'].dt.tz_localize(None)",
    ("pandas", True): "futr_df: the times of 'ds' have no zone, those of df have the zone Asia/Tokyo; give both alike, as by "
                      "futr_df['ds'].dt.tz_localize('Asia/Tokyo')",
    ("polars", False): "futr_df['ds'].dt.replace_time_zone(None)",
    ("polars", True): "futr_df['ds'].dt.replace_time_zone('Asia/Tokyo')",
}


@pytest.mark.parametrize("kind, of_df", ZONES)
def test_a_zone_in_one_of_two_tables_is_refused(priced, kind, of_df):
    forecaster, df, future = priced
    df, future = (zoned(df), future) if of_df else (df, zoned(future))
    make = KINDS[kind]
    refused(lambda: forecaster.predict(make(df), futr_df=make(future)), sluice.DataError, ZONES[kind, of_df])


def test_forecasts_are_scored_with_times_alike(fitted):
    forecasts = fitted.predict()
    refused(lambda: sluice.evaluate(zoned(forecasts), sales(days=90)), sluice.DataError,
            "forecasts: the times of 'ds' have the zone Asia/Tokyo, those of df have no zone")
    lacking = forecasts.assign(cutoff=pd.Timestamp("2024-03-20").as_unit("ns")).astype({"cutoff": object})
    lacking.loc[3, "cutoff"] = None
    refused(lambda: sluice.evaluate(lacking, sales(days=90)), sluice.DataError, "forecasts: row 3: column 'cutoff' has no value")


FUTURES = {
    "no rows": (lambda f: f[:0], "futr_df: has no rows; give a row for each series and each step of the horizon"),
    "a missing row": (lambda f: f.drop(index=3), "'a' (no price for 2024-03-24); give a row for each series and each of the 7"),
    "a missing value": (lambda f: f.assign(price=f["price"].where(f.index != 3)), "'a' (no price for 2024-03-24)"),
    "a row twice": (lambda f: pd.concat([f, f[3:4].assign(price=9.0)]), "futr_df: row 21: a second row for unique_id 'a' 2024-03-24 "
                                                                       "(the first one: futr_df: row 3)"),
    "a row off the grid": (lambda f: f.assign(ds=f["ds"] + pd.Timedelta(hours=3)), "futr_df: row 0: column 'ds': 2024-03-21 03:00:00 "
                                                                                   "is not on the data's grid of frequency D"),
    "other ids": (lambda f: f.assign(unique_id="z"), "futr_df: none of its 1 values of unique_id is in the data (there: 'z'; in the "
                                                     "data: 'a')"),
    "times as values": (lambda f: f.assign(price=f["ds"]), "futr_df: column 'price' holds values of type timestamp"),
    "no times": (lambda f: f.drop(columns="ds"), "futr_df: there is no column 'ds'"),
}


@kinds
@pytest.mark.parametrize("what", FUTURES)
def test_a_future_names_what_it_lacks(priced, what, kind):
    forecaster, df, future = priced
    change, message = FUTURES[what]
    refused(lambda: forecaster.predict(futr_df=KINDS[kind](change(future))), sluice.DataError, message)


def test_a_future_that_is_not_needed_is_refused(fitted):
    refused(lambda: fitted.predict(futr_df=DF), sluice.ConfigError, "futr_exog_list names no column of it")


STATICS = pd.DataFrame({"unique_id": ["a", "b", "c"], "size": [1.0, 2.0, 3.0]})


@kinds
@pytest.mark.parametrize("change, message", [
    (lambda s: s[:0], "static_df: has no rows; give a row for each series"),
    (lambda s: pd.concat([s, s[:1].assign(size=9.0)]), "static_df: row 3: a second row for 'a' (the first one: static_df: row 0)"),
    (lambda s: s.assign(size=pd.Timestamp("2024-01-01")), "static_df: column 'size' holds values of type timestamp"),
    (lambda s: s.drop(columns="size"), "static_df: there is no column 'size' (stat_exog_list)"),
])
def test_statics_name_what_is_wrong(change, message, kind):
    refused(lambda: quick(stat_exog_list=["size"]).fit(DF, static_df=KINDS[kind](change(STATICS))), sluice.DataError, message)


ARGUMENTS = {
    "a target as its input": (lambda: quick(futr_exog_list=["y"]).fit(DF), "'y' is given twice, in target_col and in futr_exog_list"),
    "an input twice": (lambda: quick(futr_exog_list=["y2"], hist_exog_list=["y2"]).fit(DF.assign(y2=1.0)),
                       "'y2' is given twice, in hist_exog_list and in futr_exog_list; leave it out of one"),
    "times as an input": (lambda: quick(hist_exog_list=["ds"]).fit(DF), "'ds' is given twice, in time_col and in hist_exog_list"),
    "a number for a name": (lambda: quick(target_col=0).fit(DF), "target_col: 0 (int) is no column's name"),
    "numbers for names": (lambda: quick(futr_exog_list=[1]).fit(DF), "futr_exog_list: 1 (int) is no column's name"),
    "no steps": (lambda: quick(h=0).fit(DF), "h is 0; give a whole number from 1"),
    "half a step": (lambda: quick(h=2.5).fit(DF), "h is 2.5; give a whole number from 1"),
    "no windows": (lambda: quick().cross_validation(DF, n_windows=0), "n_windows is 0"),
    "steps of nothing": (lambda: quick().cross_validation(DF, step_size=0), "step_size is 0"),
    "a word for refit": (lambda: quick().cross_validation(DF, refit="yes"), "refit is 'yes'"),
    "one callback": (lambda: quick().fit(DF, callbacks=print), "give a list of functions that take a sluice.Progress"),
    "no callback": (lambda: quick().cross_validation(DF, callbacks=[1]), "callbacks is [1]; give a list"),
    "settings as a list": (lambda: quick().set_params(settings=["a"]).fit(DF), "settings is ['a']; give a dict"),
    "a catalogue of half a store": (lambda: sluice.simulate(stores=0.5), "stores is 0.5"),
}


@pytest.mark.parametrize("what", ARGUMENTS)
def test_a_wrong_argument_is_a_config_error(what):
    call, message = ARGUMENTS[what]
    refused(call, sluice.ConfigError, message)


@pytest.mark.parametrize("h", [2.5, "3", True])
def test_steps_to_forecast_are_a_whole_number(fitted, h):
    refused(lambda: fitted.predict(h=h), sluice.ConfigError, f"h is {h!r}; give a whole number from 1")


def test_arguments_of_other_types_that_mean_the_same_are_taken(fitted):
    told = quick(freq=pd.offsets.Day(), level="80", h=np.int64(H)).fit(DF).predict()
    pd.testing.assert_frame_equal(told, fitted.predict())
