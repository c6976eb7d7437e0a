"""sluice.evaluate: the scores of a table of forecasts are those of the evaluation that made them."""

import re

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from conftest import H, quick, sales

import sluice

METRICS = ["points", "mae", "rmse", "smape", "mase", "rmsse", "wape", "bias", "wql", "nmse"]


@pytest.fixture(scope="module")
def made():
    forecaster = quick(level=[80, 95])
    return forecaster, forecaster.cross_validation(sales(), n_windows=3, step_size=4)


@pytest.mark.parametrize("make", [lambda df: df, pl.DataFrame, pa.Table.from_pandas])
def test_windows_are_scored_as_cross_validation_scores_them(made, make):
    forecaster, windows = made
    scores = sluice.evaluate(make(windows), make(sales()))
    scores = scores if isinstance(scores, pd.DataFrame) else pd.DataFrame(pa.table(scores).to_pydict())
    assert list(scores.columns) == ["method", *METRICS, "coverage-80", "coverage-95"]
    assert list(scores["method"]) == ["sluice", "seasonal naive (7)", "last value", "mean of 28", "ETS", "Theta",
                                      "ETS + Theta"]
    for row, method in zip(scores.to_dict("records"), forecaster.report_["methods"], strict=True):
        for metric in METRICS:
            expected = method["total"][metric]
            assert row[metric] == pytest.approx(float("nan") if expected is None else expected, rel=1e-5, nan_ok=True)
    total = forecaster.report_["methods"][0]["total"]
    assert scores["coverage-95"][0] == pytest.approx(total["coverage"]["95"])
    assert scores["mae"][0] == pytest.approx((windows["y"] - windows["sluice"]).abs().mean(), rel=1e-5)


def test_means_are_the_points_and_medians_the_quantiles_of_a_distribution():
    forecaster = quick(settings={"training.loss": "tweedie"})
    windows = forecaster.cross_validation(sales(), n_windows=2)
    assert list(windows.columns) == ["unique_id", "ds", "cutoff", "y", "sluice", "sluice-median", "sluice-lo-80",
                                     "sluice-hi-80"]
    assert (windows["sluice"] != windows["sluice-median"]).all()
    scores = sluice.evaluate(windows, sales())
    total = forecaster.report_["methods"][0]["total"]
    for metric in METRICS:
        assert scores[metric][0] == pytest.approx(total[metric], rel=1e-5)
    assert scores["mae"][0] == pytest.approx((windows["y"] - windows["sluice"]).abs().mean(), rel=1e-5)
    # The weighted quantile loss is of the median, not of the mean.
    q = {0.1: "sluice-lo-80", 0.5: "sluice-median", 0.9: "sluice-hi-80"}
    errors = {p: windows["y"] - windows[column] for p, column in q.items()}
    losses = [2 * (e * (p - (e < 0))).sum() / windows["y"].abs().sum() for p, e in errors.items()]
    assert scores["wql"][0] == pytest.approx(sum(losses) / 3, rel=1e-5)


def test_windows_of_texts_as_views_are_scored(made):
    views = pa.table(made[1])
    cutoffs = views["cutoff"].cast(pa.date32()).cast(pa.string()).cast(pa.string_view())
    ids_of_views = views["unique_id"].cast(pa.string_view())
    words = pa.DictionaryArray.from_arrays(pa.array([ord(one) - 97 for one in made[1]["unique_id"]], pa.int32()),
                                           pa.array(["a", "b", "c"], pa.string_view()))
    expected = sluice.evaluate(made[1], sales())
    for ids in (ids_of_views, words):
        windows = views.set_column(0, "unique_id", ids)
        windows = windows.set_column(windows.column_names.index("cutoff"), "cutoff", cutoffs)
        pd.testing.assert_frame_equal(sluice.evaluate(windows, sales()), expected)


def test_windows_of_polars_are_scored_as_those_of_pandas(made):
    scores = sluice.evaluate(pl.DataFrame(made[1]), pl.DataFrame(sales()))
    pd.testing.assert_frame_equal(scores.to_pandas(), sluice.evaluate(made[1], sales()), check_dtype=False)


def test_a_forecast_is_scored_by_what_came_after_it(made):
    df = sales()
    early = df[df["ds"] <= "2024-03-10"]
    forecasts = quick().fit(early).predict()
    renamed = {"unique_id": "item", "ds": "day", "y": "sold"}
    names = {"id_col": "item", "time_col": "day", "target_col": "sold"}
    scores = sluice.evaluate(pl.DataFrame(forecasts.rename(columns=renamed)), pl.DataFrame(df.rename(columns=renamed)), **names)
    assert isinstance(scores, pl.DataFrame)
    both = forecasts.merge(df, on=["unique_id", "ds"])
    assert scores["points"][0] == len(both) == 3 * H
    assert scores["mae"][0] == pytest.approx((both["y"] - both["sluice"]).abs().mean(), rel=1e-5)
    before = df.assign(ds=df["ds"] + pd.Timedelta(days=7)).merge(both[["unique_id", "ds"]])
    naive = (before["y"].to_numpy() - both["y"].to_numpy())
    assert scores["mae"][1] == pytest.approx(abs(naive).mean(), rel=1e-5)


@pytest.mark.parametrize("make", [lambda df: df, pl.DataFrame])
def test_several_targets_have_rows_of_their_own(make):
    df = sales().assign(returns=lambda d: d["y"] / 4 + 1)
    forecaster = quick(target_col=["y", "returns"])
    windows = forecaster.cross_validation(df, n_windows=2)
    scores = sluice.evaluate(make(windows), make(df), target_col=["y", "returns"])
    scores = scores if isinstance(scores, pd.DataFrame) else pd.DataFrame(pa.table(scores).to_pydict())
    assert list(scores.columns) == ["method", "target", *METRICS, "coverage-80"]
    names = [method["name"] for method in forecaster.report_["methods"]]
    assert list(zip(scores["target"], scores["method"], strict=True)) == [(t, n) for t in ("y", "returns") for n in names]
    for target in ("y", "returns"):
        for method in forecaster.report_["methods"]:
            rows = pd.DataFrame([row for row in method["rows"] if row["name"].endswith(f":{target}")])
            row = scores[(scores["target"] == target) & (scores["method"] == method["name"])].iloc[0]
            assert row["points"] == rows["points"].sum() == 2 * 3 * H
            for metric in ("mae", "mase"):
                assert row[metric] == pytest.approx(rows[metric].mean(), rel=1e-5)
        ours = windows[windows["target"] == target]
        error = (ours["y"] - ours["sluice"]).abs().mean()
        assert scores[scores["target"] == target]["mae"].iloc[0] == pytest.approx(error, rel=1e-5)


def test_a_target_named_target_is_one():
    df = sales().rename(columns={"y": "target"})
    windows = quick(target_col="target").cross_validation(df)
    assert list(sluice.evaluate(windows, df, target_col="target")["points"]) == [3 * H] * 7


def test_targets_that_are_not_forecast_are_named():
    df = sales().assign(returns=lambda d: d["y"] / 4 + 1)
    forecasts = quick(target_col=["y", "returns"]).fit(df[df["ds"] <= "2024-03-10"]).predict()
    message = "forecasts: column 'target' has 'y', 'returns', and target_col names 'y'; name those that are forecast"
    with pytest.raises(sluice.DataError, match=re.escape(message)):
        sluice.evaluate(forecasts, df)
    with pytest.raises(sluice.DataError, match=re.escape("target_col names 'y', 'returns', 'z'")):
        sluice.evaluate(forecasts, df, target_col=["y", "returns", "z"])
    with pytest.raises(sluice.DataError, match=re.escape("there is no column 'target' (which column of target_col")):
        sluice.evaluate(forecasts.drop(columns="target"), df, target_col=["y", "returns"])


BAD = {
    "no column of ours": (lambda f: f.rename(columns={"sluice": "lstm"}), sales, "forecasts: there is no column 'sluice'"),
    "half an interval": (lambda f: f.drop(columns="sluice-hi-80"), sales, "forecasts: there is no column 'sluice-hi-80'"),
    "a step is missing": (lambda f: f.drop(index=f.index[3]), sales, "give 7 steps of each series"),
    "an unknown series": (lambda f: f.assign(unique_id=f["unique_id"].replace("a", "z")), sales,
                          "forecasts: series 'z' is not in the data"),
    "nothing has come yet": (lambda f: f, lambda: sales().query("ds <= '2024-03-05'"),
                             "those of series 'a' begin 2024-03-06, and the data have it from 2024-01-01 to 2024-03-05"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_scored_is_a_data_error(made, what):
    change, df, message = BAD[what]
    first = made[1].groupby(["unique_id", "cutoff"]).head(H).query("cutoff == cutoff.min()")
    with pytest.raises(sluice.DataError, match=re.escape(message)):
        sluice.evaluate(change(first.reset_index(drop=True)), df())
