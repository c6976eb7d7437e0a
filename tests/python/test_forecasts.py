"""Fit, predict and cross-validation: the right values, and the same ones as the program's."""

import io

import numpy as np
import pandas as pd
import polars as pl
import pyarrow.dataset
import pytest
from conftest import H, QUICK, quick

import sluice


def test_fit_returns_the_forecaster_and_predict_a_row_for_each_series_and_step(df):
    forecaster = quick(level=[80, 95])
    assert forecaster.fit(df) is forecaster
    out = forecaster.predict()
    assert list(out.columns) == ["unique_id", "ds", "sluice", "sluice-lo-80", "sluice-hi-80", "sluice-lo-95",
                                 "sluice-hi-95"]
    assert list(out["unique_id"]) == [one for one in "abc" for _ in range(H)]
    assert list(out["ds"][:H]) == list(pd.date_range("2024-03-21", periods=H))
    assert (out["sluice-lo-95"] <= out["sluice-lo-80"]).all() and (out["sluice-hi-80"] <= out["sluice-hi-95"]).all()


def test_the_forecast_finds_the_week(df):
    out = quick(settings={"training.steps": 300}).fit(df).predict()
    peaks = out.loc[out.groupby("unique_id")["sluice"].idxmax(), "ds"]
    assert (peaks.dt.day_of_week == 5).all()
    assert out.groupby("unique_id")["sluice"].mean().is_monotonic_increasing


def test_the_order_of_rows_does_not_matter(df, fitted):
    # Series stand in the order in which they first appear.
    first = df.groupby("unique_id").head(1)
    shuffled = pd.concat([first, df.drop(first.index).sample(frac=1, random_state=1)])
    pd.testing.assert_frame_equal(quick().fit(shuffled).predict(), fitted.predict())


def test_a_shorter_horizon_is_the_beginning_of_the_whole_one(fitted):
    whole, short = fitted.predict(), fitted.predict(h=2)
    pd.testing.assert_frame_equal(short, whole.groupby("unique_id").head(2).reset_index(drop=True))
    with pytest.raises(sluice.ConfigError, match="h is 8, and the model forecasts 1 to 7 steps"):
        fitted.predict(h=8)


def test_other_data_than_the_fits_are_forecast_from_their_own_end(df, fitted):
    early = df[df["ds"] < "2024-03-01"]
    assert fitted.predict(early)["ds"].min() == pd.Timestamp("2024-03-01")


def test_all_that_is_given_is_trained_on_unless_test_size_says(df):
    # A change of the last days alone changes the model; held out, it does not.
    changed = df.assign(y=df["y"].where(df["ds"] < "2024-03-18", 99.0))
    early = df[df["ds"] < "2024-03-01"]

    def model(data, **arguments):
        return quick(**arguments).fit(data).predict(early)["sluice"].to_numpy()

    assert not np.array_equal(model(df), model(changed))
    assert np.array_equal(model(df, test_size=7), model(changed, test_size=7))


def test_cross_validation_has_what_came_beside_forecasts_that_did_not_see_it(df):
    forecaster = quick()
    windows = forecaster.cross_validation(df, n_windows=2, step_size=3)
    assert list(windows.columns[:5]) == ["unique_id", "ds", "cutoff", "y", "sluice"]
    assert sorted(windows["cutoff"].unique()) == [pd.Timestamp("2024-03-10"), pd.Timestamp("2024-03-13")]
    actual = windows.merge(df, on=["unique_id", "ds"], suffixes=("", "_df"))
    assert len(actual) == 2 * 3 * H
    np.testing.assert_allclose(actual["y"], actual["y_df"], rtol=1e-6)
    mae = (windows["y"] - windows["sluice"]).abs().mean()
    assert forecaster.report_["methods"][0]["total"]["mae"] == pytest.approx(mae, rel=1e-5)
    first = windows[windows["cutoff"] == "2024-03-10"].drop(columns=["cutoff", "y"]).reset_index(drop=True)
    alone = quick().fit(df[df["ds"] <= "2024-03-10"])
    pd.testing.assert_frame_equal(first, alone.predict())
    last = windows[windows["cutoff"] == "2024-03-13"].drop(columns=["cutoff", "y"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(last, alone.predict(df[df["ds"] <= "2024-03-13"]))
    with pytest.raises(sluice.NotFittedError):
        forecaster.predict()


def test_refit_trains_before_every_origin(df):
    windows = quick().cross_validation(df, n_windows=2, step_size=3, refit=True)
    last = windows[windows["cutoff"] == "2024-03-13"].drop(columns=["cutoff", "y"]).reset_index(drop=True)
    alone = quick().fit(df[df["ds"] <= "2024-03-13"])
    pd.testing.assert_frame_equal(last, alone.predict())


def test_a_fitted_model_is_scored_only_on_what_it_has_not_seen(df, fitted):
    held_out = quick(test_size=H).fit(df)
    windows = held_out.cross_validation(refit=None)
    expected = held_out.predict(df[df["ds"] <= "2024-03-13"])
    np.testing.assert_array_equal(windows["sluice"], expected["sluice"])
    with pytest.raises(sluice.DataError, match="the model has been trained on data up to"):
        fitted.cross_validation(refit=None)


def known_ahead(df):
    future = pd.DataFrame({"unique_id": np.repeat(list("abc"), H), "ds": list(pd.date_range("2024-03-21", periods=H)) * 3})
    with_price = [frame.assign(price=np.where(frame["ds"].dt.day % 3 == 0, 1.0, 2.0)) for frame in (df, future)]
    with_price[0]["y"] *= 3 - with_price[0]["price"]
    return with_price


def test_values_known_ahead_change_the_forecast(df):
    df, future = known_ahead(df)
    forecaster = quick(futr_exog_list=["price"], settings={"training.steps": 300}).fit(df)
    out = forecaster.predict(futr_df=future)
    of_price = out["sluice"].groupby(future["price"]).mean()
    assert of_price[1.0] > 1.5 * of_price[2.0]
    dear = forecaster.predict(future_df=future.assign(price=2.0))
    assert dear["sluice"].mean() < 0.9 * out["sluice"].mean()
    with pytest.raises(sluice.ConfigError, match="two names of one argument"):
        forecaster.predict(futr_df=future, future_df=future)


def test_values_of_the_past_alone_are_inputs_without_a_future(df):
    with_visits = df.assign(visits=df["y"].shift(-1).fillna(0), weather=np.where(df["y"] > 15, "sun", "rain"))
    forecaster = quick(hist_exog_list=["visits", "weather"]).fit(with_visits)
    assert (forecaster.model_info_["past"], forecaster.model_info_["past_categories"]) == (["visits"], ["weather"])
    out = forecaster.predict()
    other = forecaster.predict(with_visits.assign(visits=0.0))
    assert not np.array_equal(out["sluice"], other["sluice"])
    with pytest.raises(sluice.DataError, match="there is no column 'visits' \\(hist_exog_list\\)"):
        quick(hist_exog_list=["visits"]).fit(df)


def test_a_future_without_ids_holds_for_all_series(df):
    df, future = known_ahead(df)
    forecaster = quick(futr_exog_list=["price"]).fit(df)
    of_all = future[future["unique_id"] == "a"].drop(columns="unique_id")
    pd.testing.assert_frame_equal(forecaster.predict(futr_df=of_all), forecaster.predict(futr_df=future))


def test_statics_of_their_own_table_are_those_of_the_data(df):
    kind, size = {"a": "x", "b": "x", "c": "z"}, {"a": 1.0, "b": 2.0, "c": 3.0}
    statics = pd.DataFrame({"unique_id": kind.keys(), "kind": kind.values(), "size": size.values()})
    beside = quick(stat_exog_list=["kind", "size"]).fit(df, static_df=statics)
    within = df.assign(kind=df["unique_id"].map(kind), size=df["unique_id"].map(size))
    assert beside.model_info_["static_categories"] == ["kind"]
    assert beside.model_info_["static_reals"] == ["size"]
    pd.testing.assert_frame_equal(quick(stat_exog_list=["kind", "size"]).fit(within).predict(), beside.predict())


def test_several_targets_are_forecast_together(df):
    out = quick(target_col=["y", "z"]).fit(df.assign(z=df["y"] * 100)).predict()
    assert list(out["target"]) == (["y"] * H + ["z"] * H) * 3
    means = out.groupby("target")["sluice"].mean()
    assert means["z"] == pytest.approx(100 * means["y"], rel=0.3)


PARTS = {"whole.parquet": (), "parts/": ("--forecast.part_series", 2)}
FLAGS = [word for key, value in QUICK.items() for word in (f"--{key}", value)]


def test_the_model_is_the_programs_bit_for_bit(df, tmp_path, program):
    df.to_csv(tmp_path / "sales.csv", index=False)
    program("train", tmp_path / "sales.csv", "--horizon", H, "--freq", "D", "--data.test", 0, *FLAGS, cwd=tmp_path)
    ours = quick().fit(df)
    ours.save(tmp_path / "ours.safetensors")

    def weights(path):
        content = path.read_bytes()
        return content[8 + int.from_bytes(content[:8], "little"):]

    assert weights(tmp_path / "ours.safetensors") == weights(tmp_path / "runs/model.safetensors")
    # The other way round, each forecasts with the other's file.
    theirs = sluice.Forecaster.load(tmp_path / "runs/model.safetensors")
    pd.testing.assert_frame_equal(theirs.predict(df), ours.predict())
    program("forecast", tmp_path / "ours.safetensors", tmp_path / "sales.csv", "--path.forecast", "f.csv", cwd=tmp_path)
    printed = pd.read_csv(io.BytesIO((tmp_path / "f.csv").read_bytes()))
    np.testing.assert_allclose(printed["sluice"], ours.predict()["sluice"], rtol=1e-6)


def test_a_forecast_in_parts_is_one_table_for_other_programs(df, tmp_path, program):
    df.to_csv(tmp_path / "sales.csv", index=False)
    quick().fit(df).save(tmp_path / "m.safetensors")
    for where in ("whole.parquet", "parts/"):
        program("forecast", "m.safetensors", "sales.csv", "--path.forecast", where, *PARTS[where], cwd=tmp_path)
    assert len(list((tmp_path / "parts").glob("part-*.parquet"))) == 2
    whole = pd.read_parquet(tmp_path / "whole.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "parts"), whole)
    assert pyarrow.dataset.dataset(tmp_path / "parts").count_rows() == len(whole)
    assert pl.read_parquet(tmp_path / "parts/*.parquet").height == len(whole)


def test_a_loaded_forecaster_knows_its_columns(df, tmp_path):
    renamed = df.rename(columns={"unique_id": "item_id", "ds": "timestamp", "y": "target"})
    names = {"id_col": "item_id", "time_col": "timestamp", "target_col": "target"}
    first = quick(level=[50], **names).fit(renamed)
    first.save(tmp_path / "m.safetensors")
    second = sluice.Forecaster.load(str(tmp_path / "m.safetensors"))
    assert {name: getattr(second, name) for name in names} == names
    assert (second.h, second.freq, second.level) == (H, "D", [50])
    pd.testing.assert_frame_equal(second.predict(renamed), first.predict())
    assert list(first.predict().columns[:2]) == ["item_id", "timestamp"]
    windows = second.cross_validation(renamed, refit=True)
    assert list(windows.columns[:4]) == ["item_id", "timestamp", "cutoff", "target"]
    with pytest.raises(sluice.DataError, match="give df"):
        second.predict()


def test_a_series_that_ended_is_left_out_and_no_failure(df):
    ended = df.assign(unique_id="old", ds=df["ds"] - pd.Timedelta(days=800)).iloc[:80]
    forecaster = quick(settings={"forecast.strict": True}).fit(df)
    assert list(forecaster.predict(pd.concat([df, ended]))["unique_id"].unique()) == ["a", "b", "c"]
    assert [one["unique_id"] for one in forecaster.left_out_] == ["old"]
    forecaster.settings = {**forecaster.settings, "forecast.ended": True}
    assert "old" in set(forecaster.predict(pd.concat([df, ended]))["unique_id"])
