"""Small data and settings of a training of milliseconds."""

import os
import subprocess

import numpy as np
import pandas as pd
import pytest

import sluice

QUICK = {
    "network.hidden_size": 8,
    "network.time_step": 14,
    "training.steps": 40,
    "training.steps_per_epoch": 10,
    "training.batch_size": 8,
    "engine.threads": 1,
}
H = 7


def sales(ids=("a", "b", "c"), days=80):
    """A week's pattern, one level for each series; sorted by id and day."""
    t = np.arange(days)
    parts = [
        pd.DataFrame({"unique_id": one, "ds": pd.date_range("2024-01-01", periods=days).astype("datetime64[ns]"),
                      "y": (10.0 + 5 * s) * (1 + 0.5 * (t % 7 == 5)) + np.sin(t * (s + 1))})
        for s, one in enumerate(ids)
    ]
    return pd.concat(parts, ignore_index=True)


def quick(**arguments):
    settings = {**QUICK, **arguments.pop("settings", {})}
    return sluice.Forecaster(**{"h": H, "freq": "D", "settings": settings, **arguments})


@pytest.fixture
def df():
    return sales()


@pytest.fixture(scope="session")
def fitted():
    return quick().fit(sales())


@pytest.fixture
def program():
    """Runs the program `sluice`; returns what it printed."""

    def run(*arguments, cwd=None):
        done = subprocess.run([os.environ["SLUICE_PROGRAM"], *map(str, arguments)], capture_output=True, text=True,
                              cwd=cwd)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
