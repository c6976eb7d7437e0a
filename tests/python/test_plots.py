"""plot_series of utilsforecast draws what the forecaster gives, as it is."""

import matplotlib
import numpy as np
import polars as pl
import pytest
from conftest import H, quick, sales
from utilsforecast.plotting import plot_series

matplotlib.use("Agg")


def lines(axes):
    return {line.get_label(): (line.get_xdata(), np.asarray(line.get_ydata(), float)) for line in axes.get_lines()}


def rows_of(table, name):
    """{column: values} of one series."""
    names = table["unique_id"].to_numpy()
    return {column: table[column].to_numpy()[names == name] for column in table.columns}


def series_of(figure):
    """{id: its axes}."""
    return {axes.get_title().removeprefix("unique_id="): axes for axes in figure.axes if axes.get_title()}


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_forecasts_and_intervals_are_drawn_behind_each_history(kind):
    df = sales() if kind == "pandas" else pl.from_pandas(sales())
    forecasts = quick(level=[80, 95]).fit(df).predict()
    drawn = series_of(plot_series(df, forecasts, level=[80, 95]))
    assert set(drawn) == {"a", "b", "c"}
    for name, axes in drawn.items():
        history, forecast = rows_of(df, name), rows_of(forecasts, name)
        shown = lines(axes)
        known = shown["y"][1]
        np.testing.assert_allclose(known[~np.isnan(known)], history["y"], rtol=1e-6)
        x, median = shown["sluice"]
        np.testing.assert_allclose(median[~np.isnan(median)], forecast["sluice"], rtol=1e-6)
        assert np.array(x[-1], "datetime64[D]") == forecast["ds"][-1].astype("datetime64[D]")
        bands = {band.get_label(): band.get_paths()[0].vertices[:, 1] for band in axes.collections}
        for level in (80, 95):
            ends = bands[f"sluice_level_{level}"]
            assert min(ends) == pytest.approx(min(forecast[f"sluice-lo-{level}"]))
            assert max(ends) == pytest.approx(max(forecast[f"sluice-hi-{level}"]))


def test_windows_of_a_cross_validation_are_drawn(df):
    windows = quick(level=[80]).cross_validation(df, n_windows=2, step_size=H)
    drawn = series_of(plot_series(df, windows.drop(columns=["cutoff", "y"]), level=[80], ids=["b"]))
    assert set(drawn) == {"b"}
    median = lines(drawn["b"])["sluice"][1]
    expected = windows.loc[windows["unique_id"] == "b", "sluice"]
    np.testing.assert_allclose(median[~np.isnan(median)], expected, rtol=1e-6)
    assert len(expected) == 2 * H
