"""What tests of Spark and of Ray have in common: tables with their awkward series, and one process's forecasts."""

import dataclasses
import os
import pathlib

import numpy as np
import pandas as pd
import pyarrow as pa
from conftest import quick, sales

ZONE = "Europe/Berlin"  # of the session of Spark
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
    return df.query("ds < '2024-03-30'"), df.query("ds >= '2024-03-30'")[["unique_id", "ds", *KNOWN]]


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
    np.testing.assert_array_equal(_days(got), _days(expected))


def _days(frame):
    times = pd.to_datetime(frame["ds"])
    times = times.dt.tz_convert(ZONE) if times.dt.tz is not None else times
    return times.dt.tz_localize(None).to_numpy("datetime64[us]")


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


@dataclasses.dataclass
class Process:
    command: str
    threads: int
    peak_mib: float  # of resident memory


def descendants(command=""):
    """The processes that this one started, and theirs, whose command line holds `command`."""
    found, parents = {}, {}
    for status in pathlib.Path("/proc").glob("[0-9]*/status"):
        try:
            line = status.with_name("cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            said = dict(one.split(":", 1) for one in status.read_text().splitlines())
        except (FileNotFoundError, ProcessLookupError):
            continue
        pid = int(status.parent.name)
        parents[pid] = int(said["PPid"])
        found[pid] = Process(line, int(said["Threads"]), int(said.get("VmHWM", "0").split()[0]) / 1024)

    def is_mine(pid):
        while pid in parents and pid != os.getpid():
            pid = parents[pid]
        return pid == os.getpid()

    return [one for pid, one in found.items() if pid != os.getpid() and is_mine(pid) and command in one.command]

