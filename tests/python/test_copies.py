"""Copies of tables and forecasters: in the same process, in a forked one, and of a file."""

import os
import signal

import pandas as pd
import polars as pl
import pytest
from conftest import quick

import sluice

WRITES = {
    "a column": lambda table: table.__setitem__("y", table["y"] * 100),
    "cells": lambda table: table.loc.__setitem__((slice(None), "y"), 7.0),
    "a column dropped": lambda table: table.pop("y"),
}


@pytest.mark.parametrize("what", WRITES)
def test_predict_forecasts_what_was_fitted_whatever_becomes_of_the_table(df, fitted, what):
    table = df.copy()
    forecaster = quick().fit(table)
    WRITES[what](table)
    pd.testing.assert_frame_equal(forecaster.predict(), fitted.predict())


def test_a_polars_table_may_be_written_to_after_the_fit(df, fitted):
    table = pl.from_pandas(df)
    forecaster = quick().fit(table)
    table[79, "y"] = 1e6
    assert forecaster.predict()["sluice"].to_list() == fitted.predict()["sluice"].to_list()


def in_fork(work):
    """What `work()` returned in a forked process, as text, or the exception."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        try:
            said = repr(work())
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
        os.write(write, said.encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    _, status = os.waitpid(pid, 0)
    assert status == 0
    return said


def test_a_fork_of_a_process_with_threads_computes_with_one_and_refuses_several(df):
    several, one = {"settings": {"engine.threads": 2}}, {"settings": {"engine.threads": 1}}
    forecaster = quick(**several).fit(df)
    expected = forecaster.predict()
    assert in_fork(lambda: quick(**one).fit(df).predict().equals(expected)) == "True"
    for work in (forecaster.predict, lambda: quick(**several).fit(df)):
        said = in_fork(work)
        assert said.startswith("DeviceError: this process was forked from one that had computed with several threads")
        assert "set engine.threads = 1 here" in said
    assert in_fork(lambda: len(sluice.check(df))) == str(len(sluice.check(df)))
