"""Scores against values worked out by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from conftest import series
from metrics import complete, mase_scale, rmsse_scale, scores, seasonal_naive
from panel import Panel, Split


def of(values, lower=None, upper=None):
    """[origins, series, horizon] as a forecast."""
    point = np.array(values, dtype=float)
    ends = [np.full(point.shape, np.nan) if end is None else np.array(end, dtype=float) for end in (lower, upper)]
    return np.stack([ends[0], point, ends[1]], axis=-1)


@pytest.fixture
def two():
    """a: season 2, scale 2, horizon 4 8; b: scale 1 of pairs, horizon 10 and one missing."""
    return Panel(pd.concat([series("a", [1, 2, 3, 4, 5, 6, 4, 8]), series("b", [0, 0, 5, 1, 6, 0, 10, math.nan])]), Split(2))


def test_scores_are_those_worked_out_by_hand(two):
    made = scores(two, of([[[5, 6], [8, 3]]]), 2, np.array([True, True]))
    # a: errors 1, 2; |y_t - y_(t-2)| is 2 throughout; differences 1. b: error 2; |5 1 1 1| -> 2; from 5 on: 16, 25, 36.
    assert made["MASE"] == pytest.approx((1.5 / 2 + 2 / 2) / 2)
    assert made["RMSSE"] == pytest.approx((math.sqrt(2.5 / 1) + math.sqrt(4 / (77 / 3))) / 2)
    assert made["WAPE"] == pytest.approx((1 + 2 + 2) / (4 + 8 + 10))
    assert made["sMAPE"] == pytest.approx(((200 / 9 + 400 / 14) / 2 + 400 / 18) / 2)
    # Seasonal naive is 5 6 of a (1.5, the last value 2), and 6 of b, whose last value is 0: better 4.
    assert made["skill"] == pytest.approx(((1 - 1.5 / 1.5) + (1 - 2 / 4)) / 2)
    assert math.isnan(made["wQL"]) and math.isnan(made["coverage"])


def test_intervals_are_scored_over_all_points(two):
    made = scores(two, of([[[5, 6], [8, 3]]], [[[3, 5], [7, 0]]], [[[6, 7], [12, 9]]]), 2, np.array([True, True]))
    tenth = 0.1 * (1 + 3 + 3)
    median = 0.5 * (1 + 2 + 2)
    ninth = 0.1 * 2 + 0.9 * 1 + 0.1 * 2
    assert made["wQL"] == pytest.approx(2 * (tenth + median + ninth) / 3 / 22)
    assert made["coverage"] == pytest.approx(2 / 3)


def test_wql_takes_the_median_where_the_point_is_a_mean(two):
    mean, lower, upper = ([[[5, 6], [8, 3]]], [[[3, 5], [7, 0]]], [[[6, 7], [12, 9]]])
    plain = scores(two, of(mean, lower, upper), 2, np.array([True, True]))
    median = np.array([[[4.0, 7.0], [9.0, math.nan]]])  # one is missing, where the point stands for it
    made = scores(two, np.concatenate([of(mean, lower, upper), median[..., None]], axis=-1), 2, np.array([True, True]))
    assert plain["wQL"] - made["wQL"] == pytest.approx(2 * 0.5 * (1 + 1 + 1) / 3 / 22)
    assert {**made, "wQL": 0} == {**plain, "wQL": 0}


def test_only_the_series_that_are_asked_for_count(two):
    assert scores(two, of([[[5, 6], [8, 3]]]), 2, np.array([True, False]))["MASE"] == pytest.approx(0.75)


def test_a_series_mase_is_the_mean_over_its_origins_each_with_its_own_scale():
    panel = Panel(series("a", [0, 2, 0, 2, 4, 8]), Split(1, origins=2, step=1))
    # First origin: history 0 2 0 2, differences 2; the second one: 0 2 0 2 4 as well.
    assert scores(panel, of([[[5]], [[7]]]), 1, np.array([True]))["MASE"] == pytest.approx((1 / 2 + 1 / 2) / 2)
    assert scores(panel, of([[[4]], [[2]]]), 1, np.array([True]))["MASE"] == pytest.approx((0 + 6 / 2) / 2)


def test_a_scale_of_nothing_is_left_out():
    assert math.isnan(mase_scale(np.array([3.0, 3, 3]), 1)) and math.isnan(mase_scale(np.array([3.0]), 7))
    assert math.isnan(rmsse_scale(np.array([0.0, 0]))) and rmsse_scale(np.array([0.0, 4, 2])) == 4
    panel = Panel(pd.concat([series("a", [3, 3, 3, 3, 9]), series("b", [1, 2, 1, 2, 2])]), Split(1))
    assert scores(panel, of([[[3], [4]]]), 1, np.array([True, True]))["MASE"] == pytest.approx(2)


def test_seasonal_naive_looks_further_back_for_a_missing_value():
    history = np.array([7, 2, 3, 4, math.nan, 6])
    assert list(seasonal_naive(history, 2, 5)) == [3, 6, 3, 6, 3]
    assert list(seasonal_naive(np.array([math.nan, 2, math.nan, 4]), 2, 3)) == [4, 4, 4]
    assert list(seasonal_naive(np.array([1.0, 2, 3, 4, 5]), 3, 4)) == [3, 4, 5, 3]


def test_a_series_is_complete_where_each_value_has_a_forecast(two):
    assert list(complete(two, of([[[5, 6], [8, math.nan]]]))) == [True, True]
    assert list(complete(two, of([[[5, math.nan], [8, 3]]]))) == [False, True]
