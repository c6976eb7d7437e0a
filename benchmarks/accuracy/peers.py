"""The methods that Sluice is measured beside: simple ones from statsforecast, LightGBM by mlforecast.

Each gets the values up to an origin and gives [series, horizon, 3]: lower end of the 80 % interval, point, upper end.
Missing values are put in by a straight line, since none of these methods takes them. All compute on one thread.
"""

from __future__ import annotations

import importlib.metadata
import time
import warnings
from typing import Any

import numpy as np
import pandas as pd

from metrics import LOWER, POINT, UPPER
from panel import Floats, Panel
from problem import Problem

SEASONAL_NAIVE, AUTO_ETS, AUTO_THETA, MEAN, LIGHTGBM = "seasonal naive", "AutoETS", "AutoTheta", "ETS + Theta", "LightGBM"
NAMES = (SEASONAL_NAIVE, AUTO_ETS, AUTO_THETA, MEAN, LIGHTGBM)
LEVEL = 80
# Lags and rolling means of the newest values, by frequency, as mlforecast's guides have them; and parts of the date.
LAGS: dict[str, tuple[tuple[int, ...], tuple[int, ...], tuple[str, ...]]] = {
    "15min": ((1, 2, 4, 96, 192, 672), (4, 96), ("hour", "minute", "dayofweek")),
    "30min": ((1, 2, 48, 96, 336), (4, 48), ("hour", "minute", "dayofweek")),
    "h": ((1, 2, 3, 24, 48, 168), (24, 168), ("hour", "dayofweek")),
    "D": ((1, 2, 3, 7, 14, 21, 28), (7, 28), ("dayofweek", "day", "month")),
    "W": ((1, 2, 3, 4, 8, 13, 52), (4, 13), ("month", "day")),
    "MS": ((1, 2, 3, 6, 12, 24), (3, 12), ("month",)),
    "QS": ((1, 2, 4, 8), (4,), ("quarter",)),
    "YS": ((1, 2, 3), (3,), ()),
}


def version(name: str) -> str:
    """Of what computes a method, as the results and the cache name it."""
    packages = ("mlforecast", "lightgbm") if name == LIGHTGBM else ("statsforecast",)
    return ", ".join(f"{package} {importlib.metadata.version(package)}" for package in packages)


def without_gaps(values: Floats) -> Floats:
    """Missing values on straight lines between their neighbours; before the first value and after the last, as these."""
    there = np.flatnonzero(np.isfinite(values))
    return np.interp(np.arange(values.size), there, values[there])


def simple_model(name: str, season: int) -> Any:
    from statsforecast import models

    kinds = {SEASONAL_NAIVE: models.SeasonalNaive, AUTO_ETS: models.AutoETS, AUTO_THETA: models.AutoTheta}
    return kinds[name](season_length=season)


def simple(name: str, problem: Problem, panel: Panel) -> tuple[Floats, int]:
    """Forecasts by a method that is fitted anew for every series and origin, and how many fits failed (NaN)."""
    split = panel.split
    result = np.full((split.origins, len(panel.ids), split.horizon, 3), np.nan)
    failed = 0
    for origin in range(split.origins):
        for row, history in enumerate(panel.histories(origin)):
            if row % problem.every:
                continue
            y = without_gaps(history)[-problem.limit:]
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    made = simple_model(name, problem.season).forecast(y=y, h=split.horizon, level=[LEVEL])
            except (ValueError, ZeroDivisionError, IndexError, RuntimeError):
                failed += 1
                continue
            result[origin, row, :, POINT] = made["mean"]
            result[origin, row, :, LOWER] = made[f"lo-{LEVEL}"]
            result[origin, row, :, UPPER] = made[f"hi-{LEVEL}"]
    return result, failed


def lightgbm_frame(problem: Problem, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows without gaps, words as numbers: what mlforecast takes."""
    frame = rows.copy()
    if "y" in frame:
        frame["y"] = frame.groupby("unique_id")["y"].transform(lambda part: without_gaps(part.to_numpy(dtype=np.float64)))
    return frame


def lightgbm(problem: Problem, panel: Panel) -> Floats:
    """One LightGBM of all series by mlforecast, each scaled by its mean and spread; its points alone, no interval."""
    from lightgbm import LGBMRegressor
    from mlforecast import MLForecast
    from mlforecast.lag_transforms import RollingMean
    from mlforecast.target_transforms import LocalStandardScaler

    frame = panel.frame
    for column in (*problem.known_words, *problem.static_words):
        frame = frame.assign(**{column: pd.factorize(frame[column], sort=True)[0]})
    numbered = Panel(frame, panel.split)
    split = panel.split
    longest = int(np.median([h.size for h in numbered.histories(0)])) // 2
    lags, windows, dates = LAGS["W" if problem.frequency.startswith(("W", "7D")) else problem.frequency]
    statics = [*problem.statics, *problem.static_words]
    known = [*problem.known, *problem.known_words]
    result = np.full((split.origins, len(panel.ids), split.horizon, 3), np.nan)
    model: Any = None
    for origin in range(split.origins):
        history = lightgbm_frame(problem, numbered.history(origin))
        if split.trains_at(origin):
            means = [RollingMean(window) for window in windows if window <= longest]
            model = MLForecast(models={"f": LGBMRegressor(verbosity=-1, n_jobs=1, random_state=0)}, freq=problem.frequency,
                               lags=[lag for lag in lags if lag <= longest], lag_transforms={1: means} if means else None,
                               date_features=list(dates), target_transforms=[LocalStandardScaler()], num_threads=1)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the first rows' missing lags, which LightGBM takes
                model.fit(history, static_features=statics, dropna=False)
        future = numbered.horizon(origin)[["unique_id", "ds", *known]] if known else None
        new = None if split.trains_at(origin) else history
        made = model.predict(split.horizon, X_df=future, new_df=new)
        result[origin, :, :, POINT] = numbered.placed(origin, made, ["f"])[..., 0]
    return result


def forecast(name: str, problem: Problem, panel: Panel) -> tuple[Floats, float, int]:
    """Forecasts of a method but MEAN, processor seconds, and how many fits failed."""
    begin = time.process_time()
    made, failed = (lightgbm(problem, panel), 0) if name == LIGHTGBM else simple(name, problem, panel)
    return made, time.process_time() - begin, failed
