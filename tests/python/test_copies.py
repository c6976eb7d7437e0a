"""Copies of tables and forecasters: in the same process, in a forked one, and of a file."""

import copy
import os
import pickle
import signal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from conftest import QUICK, quick

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


@pytest.fixture
def file(df, tmp_path):
    """A model of hidden_size 8 in a file."""
    settings = {key: value for key, value in QUICK.items() if key != "training.steps"}
    forecaster = sluice.Forecaster(h=7, freq="D", max_steps=30, random_seed=3,
                                   settings={**settings, "forecast.nonnegative": "true"})
    path = tmp_path / "model.safetensors"
    forecaster.fit(df).save(path)
    return path


def test_a_loaded_forecaster_is_fitted_as_the_model_was(df, file):
    loaded = sluice.Forecaster.load(file)
    assert (loaded.max_steps, loaded.random_seed, loaded.test_size) == (30, 3, None)
    expected = loaded.predict(df)
    pd.testing.assert_frame_equal(loaded.fit(df).predict(), expected)
    assert sluice.Forecaster.load(file, max_steps=10).fit(df).model_info_["steps"] == 10


def test_a_model_of_the_program_is_fitted_again_as_the_program_did(df, tmp_path, program):
    df.to_csv(tmp_path / "sales.csv", index=False)
    settings = {**QUICK, "network.predict_day": 7, "path.model": "m.safetensors"}
    program("train", "sales.csv", *(word for key, value in settings.items() for word in (f"--{key}", value)), cwd=tmp_path)
    loaded = sluice.Forecaster.load(tmp_path / "m.safetensors")
    assert loaded.test_size == "auto"
    expected = loaded.predict(df)
    pd.testing.assert_frame_equal(loaded.fit(df).predict(), expected)


def test_the_columns_of_a_loaded_model_may_have_other_names(df, file):
    names = {"unique_id": "item", "ds": "day", "y": "sold"}
    loaded = sluice.Forecaster.load(file, id_col="item", time_col="day", target_col="sold")
    expected = sluice.Forecaster.load(file).predict(df)
    pd.testing.assert_frame_equal(loaded.predict(df.rename(columns=names)), expected.rename(columns=names))
    windows = loaded.cross_validation(df.rename(columns=names))
    assert list(windows.columns[:4]) == ["item", "day", "cutoff", "sold"]
    again = pickle.loads(pickle.dumps(loaded))
    pd.testing.assert_frame_equal(again.predict(df.rename(columns=names)), expected.rename(columns=names))


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_has_model_and_data_and_changes_nothing(df, copied):
    forecaster = quick().fit(df)
    other = copied(forecaster).set_params(h=3)
    pd.testing.assert_frame_equal(other.predict(), forecaster.predict())
    assert other.fit(df).model_info_["horizon"] == 3
    assert (forecaster.h, forecaster.model_info_["horizon"]) == (7, 7)
    assert (other.settings is forecaster.settings) == (copied is copy.copy)


def test_a_class_of_a_users_own_is_shown_with_its_arguments():
    class Weekly(sluice.Forecaster):
        def __init__(self, weeks=1, **others):
            super().__init__(h=7 * weeks, **others)
            self.weeks = weeks

    assert repr(Weekly(2)) == "Weekly(weeks=2)"
    assert Weekly(2).get_params() == {"weeks": 2}
    assert repr(sluice.Forecaster(level=np.array([80, 95]))) == "Forecaster(level=array([80, 95]))"
