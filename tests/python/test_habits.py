"""scikit-learn's habits, pickles, what a training says while it runs, and how it is ended."""

import json
import logging
import os
import pathlib
import pickle
import pickletools
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pandas as pd
import pytest
from conftest import H, QUICK, quick

import sluice
from sluice import _progress


def test_arguments_are_got_set_and_shown(df):
    forecaster = sluice.Forecaster(h=3, freq="D", random_seed=7)
    assert repr(forecaster) == "Forecaster(h=3, freq='D', random_seed=7)"
    assert repr(sluice.Forecaster(level=np.array([80, 95]))) == "Forecaster(level=array([80, 95]))"
    assert forecaster.get_params()["random_seed"] == 7
    assert forecaster.set_params(h=5, settings=QUICK) is forecaster
    again = sluice.Forecaster(**forecaster.get_params())
    assert again.get_params() == forecaster.get_params()
    assert len(again.fit(df).predict()) == 3 * 5
    with pytest.raises(sluice.ConfigError, match="'horizon' is no argument of Forecaster; they are h, freq, level"):
        forecaster.set_params(horizon=3)


def test_arguments_are_the_settings_that_they_say():
    text = quick(level=(80, 95), input_size=None, max_steps=None, learning_rate=0.01, random_seed=7).explain_settings()
    for line in ("predict_day = 7", 'frequency = "D"', "levels = [80, 95]", "learning_rate = 0.01", "seed = 7",
                 "hidden_size = 8", "test = 0"):
        assert line in text.splitlines(), text
    assert "Units of each LSTM layer" in sluice.explain("network.hidden_size")


@pytest.mark.parametrize(("given", "key", "meant"), [
    ({"freq": pd.offsets.MonthBegin()}, "frequency", '"MS"'),
    ({"freq": pd.offsets.Week(weekday=2)}, "frequency", '"W-WED"'),
    ({"freq": pd.Timedelta(minutes=15)}, "frequency", '"15min"'),
    ({"freq": np.timedelta64(1, "D")}, "frequency", '"D"'),
    ({"level": "80"}, "levels", "[80]"),
    ({"settings": {"training.shuffle": np.False_}}, "shuffle", "false"),
])
def test_values_of_pandas_and_numpy_are_taken(given, key, meant):
    assert f"\n{key} = {meant}\n" in str(sluice.Forecaster(h=7, **given).explain_settings())


def test_refit_is_a_truth_value_or_a_number(df):
    forecaster = quick()
    for one, other in ((0, False), (np.False_, False), (np.True_, True), (1, True)):
        windows = [forecaster.cross_validation(df, n_windows=2, refit=refit) for refit in (one, other)]
        pd.testing.assert_frame_equal(*windows)


def test_the_seed_decides_the_model(df, fitted):
    first = quick(random_seed=1).fit(df).predict()
    pd.testing.assert_frame_equal(first, quick(random_seed=1).fit(df).predict())
    assert not np.array_equal(first["sluice"], fitted.predict()["sluice"])


def test_a_file_of_settings_is_read_and_arguments_go_before_it(df, tmp_path):
    (tmp_path / "s.toml").write_text("[network]\npredict_day = 3\nhidden_size = 4\n[training]\nsteps = 20\n")
    forecaster = sluice.Forecaster(h=2, freq="D", config=tmp_path / "s.toml", settings={"engine.threads": 1}).fit(df)
    assert (forecaster.model_info_["horizon"], forecaster.model_info_["hidden_size"]) == (2, 4)


@pytest.mark.parametrize(("text", "test"), [
    ("[training]\nsteps = 20\n[network]\n# test = 3\n", "0"),
    ("[data]\ntest = \"auto\"\n", '"auto"'),
    ("data.test = 3\n", "3"),
])
def test_a_file_of_settings_holds_out_what_it_says_and_else_nothing(text, test, tmp_path):
    (tmp_path / "s.toml").write_text(text)
    assert f"\ntest = {test}\n" in str(sluice.Forecaster(h=7, config=tmp_path / "s.toml").explain_settings())


def test_a_path_may_begin_at_home(df, fitted, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    fitted.save("~/model.safetensors")
    assert (tmp_path / "model.safetensors").exists()
    pd.testing.assert_frame_equal(sluice.Forecaster.load("~/model.safetensors").predict(df), fitted.predict())


def test_a_pickle_has_the_model_and_not_the_data(df, fitted):
    content = pickle.dumps(fitted)
    again = pickle.loads(content)
    assert not any("df" in name for name in fitted.__getstate__())
    pd.testing.assert_frame_equal(again.predict(df), fitted.predict())
    assert again.get_params() == fitted.get_params()
    with pytest.raises(sluice.DataError, match="give df"):
        again.predict()
    assert pickle.loads(pickle.dumps(quick())).get_params() == quick().get_params()


def test_a_pickle_names_no_private_class(fitted):
    named = {argument for code, argument, _ in pickletools.genops(pickle.dumps(fitted, protocol=0)) if code.name == "GLOBAL"}
    assert {name for name in named if name.startswith("sluice")} == {"sluice Forecaster"}


def test_what_has_no_model_says_so():
    for call in (quick().predict, lambda: quick().save("m")):
        with pytest.raises(sluice.NotFittedError, match="call fit"):
            call()


def test_threads_forecast_with_one_model_at_once(df, fitted):
    expected, results = fitted.predict(), []
    workers = [threading.Thread(target=lambda: results.append(fitted.predict(df))) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(results) == 4
    for result in results:
        pd.testing.assert_frame_equal(result, expected)


def test_callbacks_see_trainings_and_nothing_of_the_choice_before_them(df, tmp_path):
    seen = []
    chooses = {"training.steps": 400, "training.choice": 1, "training.final_fit": False}
    quick(settings=chooses).fit(df, callbacks=[seen.append], events=tmp_path / "events.jsonl")
    events = [json.loads(line)["event"] for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert "choice" in events
    assert seen and {one.label for one in seen} == {""}


def test_callbacks_see_every_epoch_and_may_stop(df):
    seen = []
    quick(settings={"training.final_fit": False}).fit(df, callbacks=[seen.append])
    assert [one.epoch for one in seen] == [1, 2, 3, 4]
    assert [one.step for one in seen] == [10, 20, 30, 40]
    assert all(one.valid_loss > 0 and one.total_steps == 40 for one in seen)
    stopped = quick()
    assert stopped.fit(df, callbacks=[lambda progress: progress.epoch < 2]) is stopped
    assert stopped.interrupted_ and len(stopped.predict()) == 3 * H
    assert not quick().fit(df, callbacks=[lambda progress: None]).interrupted_


@pytest.mark.parametrize("said, stops", [(False, True), (np.float64(1) < 0, True), (True, False), (None, False), (0, False),
                                         (np.bool_(True), False), ([], False), (np.zeros(2, bool), False)])
def test_false_alone_ends_a_training(df, said, stops):
    assert quick().fit(df, callbacks=[lambda progress: said]).interrupted_ == stops


def test_callbacks_see_the_refits_of_a_cross_validation_and_may_stop_it(df):
    seen = []
    settings = {"training.schedule": "cosine", "training.final_fit": False}
    forecaster = quick(settings=settings)
    forecaster.cross_validation(df, n_windows=2, refit=True, callbacks=[seen.append])
    assert [(one.refit, one.epoch) for one in seen] == [(r, e) for r in (1, 2) for e in (1, 2, 3, 4)]
    assert seen[0].learning_rate > seen[3].learning_rate == seen[7].learning_rate > 0
    with pytest.raises(sluice.Interrupted):
        forecaster.cross_validation(df, callbacks=[lambda progress: progress.epoch < 2])
    with pytest.raises(ZeroDivisionError):
        forecaster.cross_validation(df, callbacks=[lambda progress: 1 / 0])
    with pytest.raises(sluice.NotFittedError):
        forecaster.predict()


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, SystemExit, StopIteration, sluice.DataError])
def test_an_exception_of_a_callback_is_raised_and_the_model_is_kept(df, error):
    forecaster, epochs = quick(), []

    def fail(progress):
        epochs.append(progress.epoch)
        if progress.epoch == 2:
            raise error("enough")

    with pytest.raises(error, match="enough"):
        forecaster.fit(df, callbacks=[fail])
    assert epochs == [1, 2], "nothing is trained after it"
    assert forecaster.interrupted_ and forecaster.model_info_["steps"] in (10, 20)
    assert len(forecaster.predict()) == 3 * H


@pytest.fixture
def interrupted(tmp_path):
    """The file of events; when an epoch stands in it, the main thread gets SIGINT."""
    events, over = tmp_path / "events.jsonl", threading.Event()

    def work():
        while not over.wait(0.01):
            if events.exists() and '"epoch"' in events.read_text():
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
                return

    worker = threading.Thread(target=work)
    worker.start()
    yield events
    over.set()
    worker.join()


ENDLESS = {"training.steps": 0, "training.max_seconds": 60}  # ends by itself where an interrupt is lost


def test_ctrl_c_ends_a_training_and_leaves_its_model(df, interrupted):
    forecaster = quick(settings=ENDLESS)
    with pytest.raises(KeyboardInterrupt):
        forecaster.fit(df, events=interrupted)
    assert forecaster.interrupted_ and len(forecaster.predict()) == 3 * H


def test_ctrl_c_ends_a_cross_validation(df, interrupted):
    forecaster = quick(settings=ENDLESS)
    with pytest.raises(KeyboardInterrupt):
        forecaster.cross_validation(df, events=interrupted)
    with pytest.raises(sluice.NotFittedError):
        forecaster.predict()


def test_callbacks_are_not_called_within_an_epoch():
    called = []
    watch = _progress.watch_of(_progress.Line(False), [called.append])
    within = ("", 1, 15, 40, 0.4, 1.0, 9.0, 1.5, 1.5)
    assert watch(*within, False, 0.003, 0) and not called
    assert watch(*within, True, 0.003, 0) and len(called) == 1


def test_other_threads_run_while_it_trains(df):
    running, ticks = threading.Event(), []

    def work():
        while not running.is_set():
            ticks.append(1)
            time.sleep(0.001)

    worker = threading.Thread(target=work)
    worker.start()
    counts = []
    quick(settings={"training.steps": 2000, "training.steps_per_epoch": 500}).fit(
        df, callbacks=[lambda progress: counts.append(len(ticks))])
    running.set()
    worker.join()
    assert counts[-1] > counts[0]


def test_the_log_goes_to_logging(df, caplog):
    with caplog.at_level(logging.INFO, logger="sluice"):
        quick(freq="h").fit(df)
    assert any(record.levelno == logging.INFO for record in caplog.records)
    assert "set data.frequency to D" in " ".join(r.message for r in caplog.records if r.levelno == logging.WARNING)


def test_an_exception_of_a_log_handler_is_raised(df):
    class Full(logging.Handler):
        def emit(self, record):
            raise OSError("the disk is full")

    handler = Full()
    logging.getLogger("sluice").addHandler(handler)
    try:
        with pytest.raises(OSError, match="the disk is full"):
            quick(freq="h").fit(df)
    finally:
        logging.getLogger("sluice").removeHandler(handler)


def test_events_are_added_to_a_file(df, tmp_path):
    for _ in range(2):
        quick().fit(df, events=tmp_path / "events.jsonl")
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    epochs = [event for event in events if event["event"] == "epoch"]
    assert len(epochs) == 2 * 8  # four of the choice and four of the final fit


class Terminal:
    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        pass

    def isatty(self):
        return True


def test_progress_is_a_line_in_a_terminal_and_nothing_elsewhere(capsys, df):
    out = Terminal()
    line = _progress.Line(None, out)
    where = {"label": "", "epoch": 3, "step": 30, "total_steps": 40, "fraction": 0.75, "seconds": 2.0,
             "windows_per_second": 9.0, "train_loss": 1.5, "valid_loss": float("nan"), "epoch_end": True,
             "learning_rate": 0.003}
    line.show(sluice.Progress(**where))
    line.close()
    assert out.text == "\r 75% |███████████████·····| epoch 3, step 30/40 train 1.5 2 s\n"
    quick().fit(df)
    assert capsys.readouterr().err == ""
    quick().fit(df, progress=True)
    assert "epoch 4, step 40/40" in capsys.readouterr().err


def test_threads_wait_passively_and_the_environment_is_what_it_was():
    show = "import os; before = dict(os.environ); import sluice; assert dict(os.environ) == before"
    plain = {name: value for name, value in os.environ.items() if name not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True,
                          env={**plain, "OMP_DISPLAY_ENV": "VERBOSE"})
    assert done.returncode == 0, done.stderr
    assert "OMP_WAIT_POLICY = 'PASSIVE'" in done.stderr and "GOMP_SPINCOUNT = '1000'" in done.stderr
    active = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True,
                            env={**plain, "OMP_WAIT_POLICY": "active", "OMP_DISPLAY_ENV": "VERBOSE"})
    assert "OMP_WAIT_POLICY = 'ACTIVE'" in active.stderr


def test_another_pyarrow_is_refused_with_a_sentence():
    from sluice._native import check_pyarrow

    with pytest.raises(ImportError, match=r"built for pyarrow \d+, and pyarrow 3.0.0 is installed; pip install"):
        check_pyarrow("3.0.0")


def test_to_onnx_names_the_extra_where_onnx_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.delitem(sys.modules, "sluice.onnx", raising=False)
    with pytest.raises(ImportError, match=r"sluice.to_onnx needs onnx: pip install 'sluice\[onnx\]'"):
        sluice.to_onnx


def test_the_version_is_the_librarys(program):
    assert sluice.__version__ in program("--version")


def test_types_are_checked():
    package = pathlib.Path(sluice.__file__).parent
    root = pathlib.Path(os.environ["SLUICE_SOURCE_DIR"])
    done = subprocess.run([sys.executable, "-m", "mypy", "--config-file", root / "pyproject.toml", "--cache-dir=/dev/null",
                           package], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert (package / "py.typed").exists()


def test_utilsforecast_reads_what_comes_out(df):
    from utilsforecast.evaluation import evaluate
    from utilsforecast.losses import coverage, mae

    forecaster = quick()
    windows = forecaster.cross_validation(df, n_windows=2)
    scores = evaluate(windows.drop(columns="cutoff"), metrics=[mae, coverage], level=[80], models=["sluice"])
    total = scores.groupby("metric")["sluice"].mean()
    report = forecaster.report_["methods"][0]["total"]
    assert total["mae"] == pytest.approx(report["mae"], rel=1e-5)
    assert 0 <= total["coverage_level80"] <= 1


