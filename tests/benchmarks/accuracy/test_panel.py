"""How series are cut at origins."""

import math

import numpy as np
import pandas as pd
import pytest
from conftest import series
from panel import Panel, Split, regular


def test_origins_are_steps_apart_and_the_last_is_a_horizon_before_the_end():
    panel = Panel(pd.concat([series("a", range(12)), series("b", range(100, 110))]), Split(2, origins=2, step=3))
    assert panel.truth(0).tolist() == [[7, 8], [105, 106]] and panel.truth(1).tolist() == [[10, 11], [108, 109]]
    assert [h.tolist() for h in panel.histories(0)] == [list(range(7)), list(range(100, 105))]
    assert panel.history(1)["y"].max() == 107 and panel.horizon(1)["ds"].min() == pd.Timestamp("2024-01-09")


def test_nothing_after_an_origin_is_in_its_history():
    panel = Panel(series("a", range(20)), Split(3, origins=3, step=2))
    for origin in range(3):
        assert panel.history(origin)["ds"].max() < panel.horizon(origin)["ds"].min()


def test_a_model_is_trained_first_and_then_as_often_as_the_split_says():
    assert [Split(1, 6, 1, 2).trains_at(k) for k in range(6)] == [True, False, True, False, True, False]
    assert [Split(1, 3, 1).trains_at(k) for k in range(3)] == [True, False, False]


def test_series_too_short_for_the_first_origin_are_left_out():
    frame = pd.concat([series("a", range(10)), series("short", range(5)), series("blank", [math.nan] * 9 + [1])])
    assert Panel(frame, Split(2)).ids == ["a"]
    with pytest.raises(ValueError, match="no series has 4 values"):
        Panel(series("short", range(5)), Split(2))


def test_forecasts_are_placed_by_series_and_time_whatever_their_order():
    panel = Panel(pd.concat([series("a", range(8)), series("b", range(8))]), Split(2))
    made = panel.horizon(0).assign(f=[1.0, 2, 3, 4]).iloc[[3, 0, 1]]
    assert np.array_equal(panel.placed(0, made, ["f"])[..., 0], [[1, 2], [math.nan, 4]], equal_nan=True)


def test_the_grid_has_a_row_for_each_step_and_fills_what_it_is_told_to():
    frame = series("a", [1, 2, 3]).iloc[[0, 2]].assign(open=1.0)
    frame = pd.concat([frame, series("b", [5, 6, 7, 8]).assign(open=1.0)])
    made = regular(frame, "D", end=frame["ds"].max(), fill={"open": 0})
    assert made[made["unique_id"] == "a"]["open"].tolist() == [1, 0, 1, 0]
    assert made[made["unique_id"] == "a"]["y"].isna().tolist() == [False, True, False, True]
    assert len(regular(frame, "D", end=None)) == 3 + 4


def test_the_digest_changes_with_a_value_and_with_the_split():
    frame = series("a", range(20))
    first = Panel(frame, Split(2)).digest()
    assert Panel(frame, Split(2)).digest() == first
    assert Panel(frame.assign(y=frame["y"] + (frame["y"] == 3)), Split(2)).digest() != first
    assert Panel(frame, Split(3)).digest() != first
    with_price = Panel(frame.assign(price=1.0), Split(2))
    assert with_price.digest() != first and with_price.digest(inputs=False) == Panel(frame, Split(2)).digest(inputs=False)
