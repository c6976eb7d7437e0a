"""What tests of Spark and of Ray have in common: tables with their awkward series, and one process's forecasts."""

import numpy as np
import pandas as pd
import pyarrow as pa
from conftest import quick, sales

import sluice

KNOWN = ["price", "promotion"]


def with_inputs(days=100, series=6):
    """(df, futr_df): known inputs, a static category and a static number."""
    df = sales([f"S{s}/item {s}" for s in range(series)], days)
    number = df["unique_id"].str[1].astype(int)
    df["price"] = 3.0 + number + (df["ds"].dt.day % 3)
    df["promotion"] = (df["ds"].dt.day % 5 == 2).astype("int64")
    df["shop"] = "shop " + (number % 2).astype(str)
    df["area"] = 10.0 * number
    df["y"] -= df["price"] - 4 * df["promotion"]
    first = df.groupby("unique_id").tail(days - 7)
    return first.assign(ds=first["ds"]).query("ds < '2024-03-30'"), df.query("ds >= '2024-03-30'")[["unique_id", "ds", *KNOWN]]


def forecaster_of_inputs(df):
    return quick(futr_exog_list=KNOWN, stat_exog_list=["shop", "area"], level=[80, 97.5]).fit(df)


def sorted_by_series(table):
    """A frame of forecasts, without its reasons, sorted by series and time."""
    frame = table.to_pandas() if isinstance(table, pa.Table) else table
    keys = [name for name in ("unique_id", "target", "ds") if name in frame]
    frame = frame[[name for name in frame if name != "reason"]]
    return frame.sort_values(keys).reset_index(drop=True)


def same_numbers(got, expected):
    """Asserts that all forecasts are those, bit for bit, each with its series and day."""
    got, expected = sorted_by_series(got), sorted_by_series(expected)
    assert list(got.columns) == list(expected.columns)
    assert [str(one) for one in got["unique_id"]] == [str(one) for one in expected["unique_id"]]
    for name in got.columns[1:]:
        if name != "ds":
            np.testing.assert_array_equal(got[name].to_numpy(), expected[name].to_numpy(), err_msg=name)
    days = [pd.to_datetime(frame["ds"]).dt.tz_localize(None).to_numpy("datetime64[us]") for frame in (got, expected)]
    np.testing.assert_array_equal(*days)


def ended_long_ago(days=500):
    """Series of which 'over' ended more than a year before the others."""
    df = sales(("a", "b", "over"), days)
    return df[(df["unique_id"] != "over") | (df["ds"] < "2024-03-01")]


def reasons(table):
    """{id: reason} of the series without a forecast, whose values must be null."""
    frame = table.to_pandas() if isinstance(table, pa.Table) else table
    rows = frame[frame["reason"].notna()]
    assert rows.drop(columns=["unique_id", "reason"]).isna().all(axis=None)
    assert frame.drop(rows.index)["sluice"].notna().all()
    return dict(zip(rows["unique_id"], rows["reason"], strict=True))


def duplicated(df, one):
    """df with a row of series `one` twice."""
    return pd.concat([df, df[df["unique_id"] == one].iloc[[0]]], ignore_index=True)


assert sluice  # imported for its libraries, before any other
