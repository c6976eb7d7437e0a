"""Bad input at the border: the error names the table, the column and the rows, and what would be accepted."""

import pickle
import re

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from conftest import QUICK, quick, sales
from test_forecasts import known_ahead

import sluice

DF = sales()


def with_cell(column, value, row=5):
    return DF.assign(**{column: DF[column].astype(object).where(DF.index != row, value)})


TABLES = {
    "no table": ([1, 2], "df: list is no table; give a pandas or polars DataFrame, a pyarrow Table"),
    "a lazy table": (pl.DataFrame(DF).lazy(), "df: a LazyFrame has no rows yet; give df.collect()"),
    "no rows": (DF.iloc[:0], "df: has no rows"),
    "no target": (DF.rename(columns={"y": "sold"}),
                  "df: there is no column 'y' (target_col); its columns are 'unique_id', 'ds', 'sold'"),
    "no ids": (DF.drop(columns="unique_id"), "df: there is no column 'unique_id' (id_col)"),
    "a column twice": (pd.concat([DF, DF["y"]], axis=1), "df: there are two columns 'y'"),
    "mixed objects": (with_cell("y", "x"), "column 'y' (object) holds values of several kinds: row 0 has 10.0 (float), "
                                           "row 5 'x' (str); make them numbers, texts or times"),
    "a word among numbers": (DF.assign(y=with_cell("y", "x")["y"].astype(str)), "df: row 5: column 'y': 'x' is not a number"),
    "complex numbers": (DF.assign(y=DF["y"].astype(complex)), "df: column 'y' (complex128, row 0 has (10+0j)): "),
    "lists": (pa.table({"unique_id": ["a"] * 2, "ds": [1, 2], "y": [[1], [2]]}), "df: column 'y' holds values of type list"),
    "objects of polars": (pl.DataFrame({"unique_id": ["a"], "ds": [1], "y": pl.Series([{1}], dtype=pl.Object)}),
                          "df: column 'y' holds objects of Python, row 0 has {1}; make them numbers, texts or times"),
    "infinity": (DF.assign(y=DF["y"].where(DF.index != 5, float("inf"))), "df: row 5: column 'y': inf is infinite"),
    "no time": (DF.assign(ds=DF["ds"].where(DF.index != 5)), "df: row 5: column 'ds': the time is missing"),
    "no id": (with_cell("unique_id", None), "df: row 5: column 'unique_id': the id is missing"),
    "a word for a time": (DF.assign(ds=with_cell("ds", "yesterday")["ds"].astype(str)),
                          "df: row 5: column 'ds': 'yesterday' is not a time"),
    "periods": (DF.assign(ds=DF["ds"].dt.to_period("D")), "column 'ds' holds periods; make them times: df['ds'].dt.to_timestamp()"),
    "two levels of one name": (DF.set_index(pd.MultiIndex.from_arrays([DF["y"], DF["y"]], names=["k", "k"])),
                               "df: there are two columns 'k'; rename or drop one"),
    "times that end in nanoseconds": (DF.assign(ds=DF["ds"] + (pd.Timestamp("2262-04-10") - DF["ds"].max())),
                                      "do not reach the end of the forecast"),
    "a row twice": (pd.concat([DF, DF.iloc[[7]]]), "df: row 240: a second row for series 'a' 2024-01-08 (the first one: "
                                                   "df: row 7)"),
}


@pytest.mark.parametrize("what", TABLES)
def test_a_table_that_cannot_be_read_is_a_data_error(what):
    df, message = TABLES[what]
    with pytest.raises(sluice.DataError, match=re.escape(message)) as caught:
        quick().fit(df).predict()
    assert isinstance(caught.value, ValueError)


def test_mixed_frequencies_name_the_rows():
    hours = pd.DataFrame({"unique_id": "w", "ds": pd.date_range("2024-01-01", periods=50, freq="h"), "y": 1.0})
    with pytest.raises(sluice.DataError, match="no regular grid .*2024-01-01 01:00:00 follows 2024-01-01 00:00:00"):
        quick(freq=None).fit(pd.concat([DF, hours]))


SETTINGS = {
    "an unknown key": ({"settings": {"network.hiden_size": 8}}, "network.hiden_size: unknown key; did you mean"),
    "a word": ({"settings": {"network.hidden_size": "big"}}, "network.hidden_size must be an integer from 1 to 4096"),
    "no value": ({"settings": {"network.hidden_size": {}}}, "network.hidden_size: {} (dict) is no value of a setting"),
    "out of range": ({"level": [180]}, "forecast.levels must be a list of numbers from 1 to below 100, got 180"),
    "given twice": ({"settings": {"network.predict_day": 3}},
                    "network.predict_day is given twice, as settings={'network.predict_day': ...} and as h="),
    "columns": ({"settings": {"data.id": "a"}}, "settings: data.id is said by id_col"),
    "of the program": ({"settings": {"path.report": "r.json"}}, "path.report: has an effect in the program alone"),
    "of a command that is not here": ({"settings": {"tune.trials": 4}}, "tune.trials: has an effect in the program alone"),
    "no file": ({"config": "no.toml"}, "no.toml: cannot be read"),
}


@pytest.mark.parametrize("what", SETTINGS)
def test_a_wrong_setting_is_a_config_error(what):
    arguments, message = SETTINGS[what]
    with pytest.raises(sluice.ConfigError, match=re.escape(message)) as caught:
        quick(**arguments).fit(DF)
    assert isinstance(caught.value, ValueError)


CALLS = {
    "several ids": (lambda: quick(id_col=["unique_id"]).fit(DF), "id_col is ['unique_id']; give the name of one column"),
    "a key that is no text": (lambda: quick(settings={3: 1}).fit(DF), "settings: 3 is no key; give texts such as"),
    "no windows": (lambda: quick().cross_validation(DF, n_windows=None), "n_windows is None; give a whole number"),
    "windows and a half": (lambda: quick().cross_validation(DF, n_windows=1.5), "n_windows is 1.5; give a whole number"),
    "a future without inputs": (lambda: sluice.check(DF, futr_df=DF), "futr_df is given, and futr_exog_list names no column"),
    "statics without inputs": (lambda: quick().fit(DF, static_df=DF), "static_df is given, and stat_exog_list names no column"),
    "an id as a result": (lambda: quick(id_col="sluice").fit(DF.rename(columns={"unique_id": "sluice"})),
                          "id_col is 'sluice', which results have a column of their own of; rename it"),
    "a target as a result": (lambda: quick(target_col="cutoff").cross_validation(DF.rename(columns={"y": "cutoff"})),
                             "target_col is 'cutoff', which results have a column of their own of; rename it"),
}


@pytest.mark.parametrize("what", CALLS)
def test_a_wrong_argument_is_a_config_error(what):
    call, message = CALLS[what]
    with pytest.raises(sluice.ConfigError, match=re.escape(message)):
        call()


def test_a_name_with_a_comma_is_refused_with_its_remedy():
    with pytest.raises(sluice.ConfigError, match="'a,b' has a comma, .* rename the column"):
        quick(target_col="a,b").fit(DF.rename(columns={"y": "a,b"}))


def test_a_device_that_is_not_there_is_a_device_error(fitted):
    # Which sentence it is depends on the build and the machine: without CUDA, without a driver, with few cards.
    sentence = "set engine.device = |engine.device = \"cuda:99\""
    elsewhere = pickle.loads(pickle.dumps(fitted)).set_params(device="cuda:99")
    for call in (lambda: quick(settings={"engine.device": "cuda:99"}).fit(DF), lambda: quick(device="cuda:99").fit(DF),
                 lambda: elsewhere.predict(DF)):
        with pytest.raises(sluice.DeviceError, match=sentence) as caught:
            call()
        assert isinstance(caught.value, RuntimeError)
    assert len(elsewhere.set_params(device="cpu").predict(DF)) == 21


@pytest.fixture(scope="module")
def priced():
    df, future = known_ahead(sales())
    return quick(futr_exog_list=["price"]).fit(df), df, future


def test_a_future_that_is_needed_is_asked_for(priced):
    with pytest.raises(sluice.DataError, match="needs 'price' for the horizon: give futr_df with unique_id, ds and 'price'"):
        priced[0].predict()


def test_a_future_without_its_column_is_refused(priced):
    with pytest.raises(sluice.DataError, match="futr_df: there is no column 'price'"):
        priced[0].predict(futr_df=priced[2].drop(columns="price"))


def test_missing_rows_of_the_future_are_named(priced):
    forecaster, _, future = priced
    for lacking, message in ((future.drop(index=3), "1 series lack known values of the horizon: 'a' (no price for "
                                                    "2024-03-24); give a row for each series and each of the 7 steps"),
                             (future[future["unique_id"] != "b"], "'b' (no price for 2024-03-21 and 6 later steps)"),
                             (future[future["ds"] < "2024-03-25"], "a (no price for 2024-03-25 and 2 later steps)")):
        with pytest.raises(sluice.DataError, match=re.escape(message)):
            forecaster.predict(futr_df=lacking)


def test_rows_that_lack_several_inputs_are_named():
    df, future = (frame.assign(promo=0.0) for frame in known_ahead(sales()))
    forecaster = quick(futr_exog_list=["price", "promo"]).fit(df)
    with pytest.raises(sluice.DataError, match=re.escape("'a' (no price, promo for 2024-03-24); give a row for each")):
        forecaster.predict(futr_df=future.drop(index=3))


def test_series_that_lack_known_values_are_left_out_where_that_is_asked_for(priced, caplog):
    _, df, future = priced
    lenient = quick(futr_exog_list=["price"], settings={"forecast.strict": False}).fit(df)
    out = lenient.predict(futr_df=future.drop(index=3))
    assert list(out["unique_id"].unique()) == ["b", "c"]
    assert lenient.left_out_ == [{"unique_id": "a", "reason": "no price for 2024-03-24"}]
    assert "no forecast of 'a': no price for 2024-03-24" in caplog.text


def test_ids_of_the_future_that_the_datas_type_does_not_hold_are_refused(priced):
    forecaster, df, future = priced
    numbered = df.assign(unique_id=df["unique_id"].map(ord))
    with pytest.raises(sluice.DataError, match="ids of df have the type int64, and others are none: .*'x'"):
        forecaster.predict(numbered, futr_df=pd.concat([future.assign(unique_id=one) for one in ("97", "98", "99", "x")]
                                                       ).drop_duplicates(["unique_id", "ds"]))


def test_words_for_numbers_of_the_future_are_refused(priced):
    with pytest.raises(sluice.DataError, match="futr_df: row 0: column 'price': 'cheap' is a word"):
        priced[0].predict(futr_df=priced[2].assign(price="cheap"))


def test_data_to_forecast_need_the_inputs_of_the_training(priced):
    with pytest.raises(sluice.DataError, match=re.escape("df: there is no column 'price' (futr_exog_list)")):
        priced[0].predict(sales(), futr_df=priced[2])


def test_levels_that_the_model_does_not_have_are_refused(fitted):
    with pytest.raises(sluice.ConfigError, match="the model has 0.1, 0.5, 0.9"):
        fitted.predict(level=[30])


def test_a_file_that_is_no_model_is_refused(tmp_path):
    (tmp_path / "m.safetensors").write_text("unique_id,ds,y\n")
    with pytest.raises(sluice.DataError, match="m.safetensors: is text, no model"):
        sluice.Forecaster.load(tmp_path / "m.safetensors")
    with pytest.raises(sluice.DataError, match="no.safetensors: cannot be opened"):
        sluice.Forecaster.load(tmp_path / "no.safetensors")


def test_a_model_of_a_newer_version_says_so(fitted, tmp_path):
    path = tmp_path / "m.safetensors"
    fitted.save(path)
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = content[8:8 + size]
    newer = re.sub(rb'("format(?:_version)?":")(\d+)"', rb'\g<1>99"', header)
    assert newer != header
    path.write_bytes(len(newer).to_bytes(8, "little") + newer + content[8 + size:])
    with pytest.raises(sluice.DataError, match="99"):
        sluice.Forecaster.load(path)


def test_check_says_what_fit_would_refuse():
    with pytest.raises(sluice.DataError, match="df: row 5: column 'ds': the time is missing"):
        sluice.check(TABLES["no time"][0])
    text = sluice.check(DF, freq="D")
    assert "series      3" in text and "values      240; missing none" in text
    assert repr(text) == str(text)
    with pytest.raises(sluice.ConfigError, match=re.escape("futr_exog_list: 1 (int) is no column's name")):
        sluice.check(DF, futr_exog_list=[1])
    with pytest.raises(sluice.DataError, match="no column 'price'"):  # a name may be given alone, as to Forecaster
        sluice.check(DF, futr_exog_list="price")


def test_settings_are_refused_before_the_data_is_read():
    with pytest.raises(sluice.ConfigError):
        quick(settings={**QUICK, "training.loss": "mape"}).explain_settings()
