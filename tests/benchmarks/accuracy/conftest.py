"""Finds the modules of benchmarks/accuracy, and makes small panels."""

import os
import pathlib
import sys

import numpy as np
import pandas as pd
import pytest

ROOT = pathlib.Path(os.environ.get("SLUICE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[3]))
sys.path.insert(0, str(ROOT / "benchmarks" / "accuracy"))


def series(name, values, start="2024-01-01", **inputs):
    ds = pd.date_range(start, periods=len(values), freq="D")
    return pd.DataFrame({"unique_id": name, "ds": ds, "y": np.array(values, dtype=float), **inputs})


@pytest.fixture
def program():
    return pathlib.Path(os.environ["SLUICE_PROGRAM"])
