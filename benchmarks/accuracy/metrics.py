"""Scores, as docs/metrics.md defines them, computed here from numpy alone.

A forecast of a panel is [origins, series, horizon, 3]: lower end of the 80 % interval, point, upper end; NaN where the
method gives none. One whose point is a mean may have a fourth, its median, which wQL takes in the point's place.
"""

from __future__ import annotations

import numpy as np

from panel import Floats, Panel

LOWER, POINT, UPPER, MEDIAN = range(4)
METRICS = ("MASE", "RMSSE", "WAPE", "sMAPE", "skill", "wQL", "coverage")


def mean(values: Floats) -> float:
    """Of the values that there are; NaN where there is none."""
    there = values[np.isfinite(values)]
    return float(there.mean()) if there.size else float("nan")


def rows_mean(values: Floats) -> Floats:
    """Mean over the last axis of the values that there are; NaN where there is none."""
    there = np.isfinite(values)
    count = there.sum(axis=-1)
    total = np.where(there, values, 0.0).sum(axis=-1)
    result: Floats = np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
    return result


def mase_scale(history: Floats, season: int) -> float:
    """Mean of |y_t - y_(t-season)| over pairs without a missing value; NaN where it would be 0 or without any pair."""
    scale = mean(np.abs(history[season:] - history[:-season])) if history.size > season else float("nan")
    return scale if scale > 0 else float("nan")


def rmsse_scale(history: Floats) -> float:
    """Mean of (y_t - y_(t-1))^2 from the first value that is not zero."""
    begun = np.flatnonzero(np.nan_to_num(history) != 0)
    if not begun.size:
        return float("nan")
    scale = mean(np.diff(history[begun[0]:]) ** 2)
    return scale if scale > 0 else float("nan")


def last_value(history: Floats, horizon: int) -> Floats:
    there = history[np.isfinite(history)]
    return np.full(horizon, there[-1] if there.size else np.nan)


def seasonal_naive(history: Floats, season: int, horizon: int) -> Floats:
    """The value one season before, or more seasons where it is missing; the last value for a phase without any."""
    result = last_value(history, horizon)
    for step in range(horizon):
        earlier = history[::-1][season - 1 - step % season::season]
        there = earlier[np.isfinite(earlier)]
        if there.size:
            result[step] = there[0]
    return result


def complete(panel: Panel, forecasts: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Of each series, whether every value that is scored has a forecast, and any value is scored."""
    truth = np.stack([panel.truth(k) for k in range(panel.split.origins)])
    there = np.isfinite(truth)
    good = ~(there & ~np.isfinite(forecasts[..., POINT])).any(axis=(0, 2)) & there.any(axis=(0, 2))
    return np.asarray(good)


def medians(forecasts: Floats) -> Floats:
    """The medians that there are, else the points."""
    if forecasts.shape[-1] <= MEDIAN:
        return forecasts[..., POINT]
    return np.where(np.isfinite(forecasts[..., MEDIAN]), forecasts[..., MEDIAN], forecasts[..., POINT])


def scores(panel: Panel, forecasts: Floats, season: int, which: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> dict[str, float]:
    """All scores over the series of `which`. wQL and coverage are NaN without an interval."""
    origins = range(panel.split.origins)
    chosen = np.flatnonzero(which)
    forecasts = forecasts[:, chosen]
    truth = np.stack([panel.truth(k)[chosen] for k in origins])
    histories = [[panel_history[i] for i in chosen] for panel_history in map(panel.histories, origins)]
    point = np.where(np.isfinite(truth), forecasts[..., POINT], np.nan)
    error = point - truth
    absolute = np.abs(error)
    total = float(np.nansum(np.abs(truth)))

    by_mase = np.array([[mase_scale(h, season) for h in row] for row in histories])
    by_rmsse = np.array([[rmsse_scale(h) for h in row] for row in histories])
    mase = rows_mean((rows_mean(absolute) / by_mase).T)
    rmsse = rows_mean(np.sqrt(rows_mean(error**2) / by_rmsse).T)
    size = np.abs(truth) + np.abs(point)
    smape = np.divide(200 * absolute, size, out=np.where(np.isfinite(size), 0.0, np.nan), where=size > 0)
    by_series = (1, 0, 2)
    flat = (len(chosen), -1)
    smape_row = rows_mean(smape.transpose(by_series).reshape(flat))

    seasonal = np.array([[seasonal_naive(h, season, panel.split.horizon) for h in row] for row in histories])
    last = np.array([[last_value(h, panel.split.horizon) for h in row] for row in histories])
    mae, mae_seasonal, mae_last = (
        rows_mean(np.abs(f - truth).transpose(by_series).reshape(flat)) for f in (point, seasonal, last))
    naive = np.fmin(mae_seasonal, mae_last)
    skill = 1 - np.divide(mae, naive, out=np.full(naive.shape, np.nan), where=naive > 0)

    result = {"MASE": mean(mase), "RMSSE": mean(rmsse), "WAPE": float(np.nansum(absolute)) / total if total else float("nan"),
              "sMAPE": mean(smape_row), "skill": mean(skill), "wQL": float("nan"), "coverage": float("nan")}
    lower, upper = forecasts[..., LOWER], forecasts[..., UPPER]
    there = np.isfinite(truth)
    if total and not (there & ~(np.isfinite(lower) & np.isfinite(upper))).any():
        losses = [np.nansum(np.maximum(p * (truth - q), (p - 1) * (truth - q)))
                  for p, q in ((0.1, lower), (0.5, medians(forecasts)), (0.9, upper))]
        result["wQL"] = 2 * float(np.sum(losses)) / 3 / total
        result["coverage"] = float(((lower <= truth) & (truth <= upper))[there].mean())
    return result
