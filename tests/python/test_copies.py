"""Copies of tables and forecasters: in the same process, in a forked one, and of a file."""

import pandas as pd
import polars as pl
import pytest
from conftest import quick

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
