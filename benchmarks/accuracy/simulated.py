"""Sets that need no file: the store catalogue of `sluice simulate`, and made-up series of kinds that shops have."""

from __future__ import annotations

import dataclasses
import pathlib
import subprocess
import tempfile

import numpy as np
import pandas as pd

from panel import Floats, Split
from problem import Problem, Source

MADE = "simulated: the last horizon"


def stores(source: Source) -> pd.DataFrame:
    """Five stores of 20 items over two years, with price, promotion and holiday."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "sales.parquet"
        subprocess.run([source.program, "simulate", file, "--stores", "5", "--items", "20", "--days", "730"], check=True,
                       capture_output=True)
        frame = pd.read_parquet(file)
    return frame.assign(ds=pd.to_datetime(frame["ds"]), y=frame["y"].astype(float))


def frame_of(values: list[Floats], start: str, frequency: str) -> pd.DataFrame:
    """A series for each array, all ending at one time."""
    longest = max(y.size for y in values)
    times = pd.date_range(start, periods=longest, freq=frequency)
    return pd.concat([pd.DataFrame({"unique_id": f"S{row:03d}", "ds": times[longest - y.size:], "y": y})
                      for row, y in enumerate(values)], ignore_index=True)


def short_trends(count: int = 200, seed: int = 1) -> pd.DataFrame:
    """Quarters of 5 to 12 years: a trend that slowly dies down or turns, a season, noise in proportion."""
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(count):
        length = 4 * int(rng.integers(5, 13))
        slopes = rng.normal(0.015, 0.02) * 0.97 ** np.arange(length) + 0.004 * rng.normal(size=length).cumsum() / 4
        season = np.tile(rng.normal(0, rng.choice([0.02, 0.1]), 4), length // 4)
        logs = rng.uniform(3, 8) + slopes.cumsum() + season + rng.normal(0, rng.choice([0.02, 0.05]), length)
        values.append(np.exp(logs))
    return frame_of(values, "2010-01-01", "QS")


def intermittent(count: int = 200, seed: int = 2) -> pd.DataFrame:
    """Days of spare parts: sales on a tenth to half of the days, whose rate drifts, of a few pieces each."""
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(count):
        drift = 0.05 * rng.normal(size=500).cumsum()
        chance = 1 / (1 + np.exp(-(rng.uniform(-2.2, 0) + drift - drift.mean())))
        pieces = 1 + rng.negative_binomial(rng.uniform(0.5, 3), 0.5, 500)
        values.append(np.where(rng.uniform(size=500) < chance, pieces, 0).astype(float))
    return frame_of(values, "2023-01-01", "D")


def two_seasons(count: int = 30, seed: int = 3) -> pd.DataFrame:
    """Hours of twelve weeks: a day's shape, another one on weekends, a slow level, and noise that lasts for hours."""
    rng = np.random.default_rng(seed)
    hours = np.arange(24 * 84)
    weekend = (hours // 24) % 7 >= 5
    values = []
    for _ in range(count):
        shapes = [sum(rng.normal(0, 0.3 / k) * np.cos(2 * np.pi * k * (hours / 24 - rng.uniform())) for k in (1, 2, 3))
                  for _ in range(2)]
        noise = np.zeros(hours.size)
        for t in range(1, hours.size):
            noise[t] = 0.8 * noise[t - 1] + rng.normal(0, 0.05)
        level = rng.uniform(3, 7) + 0.1 * np.sin(2 * np.pi * (hours / (24 * 60) - rng.uniform()))
        values.append(np.exp(level + np.where(weekend, shapes[1] - 0.2, shapes[0]) + noise))
    return frame_of(values, "2024-01-01", "h")


def level_shifts(count: int = 150, seed: int = 4) -> pd.DataFrame:
    """Days of a year and a half with a week's shape; the level jumps on some days and stays."""
    rng = np.random.default_rng(seed)
    days = np.arange(550)
    values = []
    for _ in range(count):
        jumps = np.where(rng.uniform(size=days.size) < 1 / 150, rng.normal(0, 0.7, days.size), 0).cumsum()
        week = rng.normal(0, 0.25, 7)[days % 7]
        values.append(rng.poisson(np.exp(rng.uniform(2.5, 5) + jumps + week)).astype(float))
    return frame_of(values, "2023-01-01", "D")


_stores = Problem(
    name="sim_stores", about="sluice simulate: 100 items of stores, daily", read=stores, frequency="D", season=7, split=Split(28),
    metric="MASE", protocol=MADE, quick=True)
_stores_known = dataclasses.replace(
    _stores, name="sim_stores_known", without="sim_stores", about="the same with price, promotion and holiday",
    known=("price", "promotion", "holiday"), static_words=("store", "item"), quick=False)
_trends = Problem(
    name="sim_short_trends", about="200 short quarterly series with a trend", read=lambda _: short_trends(), frequency="QS", season=4,
    split=Split(8), metric="MASE", protocol=MADE, quick=True)
_intermittent = Problem(
    name="sim_intermittent", about="200 series of rare sales, daily", read=lambda _: intermittent(), frequency="D", season=7,
    split=Split(28), metric="RMSSE", protocol=MADE)
_two_seasons = Problem(
    name="sim_two_seasons", about="30 series with a day's and a week's shape, hourly", read=lambda _: two_seasons(), frequency="h",
    season=24, split=Split(48), metric="MASE", protocol=MADE)
_shifts = Problem(
    name="sim_level_shifts", about="150 series whose level jumps, daily", read=lambda _: level_shifts(), frequency="D", season=7,
    split=Split(28), metric="MASE", protocol=MADE)

SIMULATED = (_stores, _stores_known, _trends, _intermittent, _two_seasons, _shifts)
