"""Sluice's part of the comparison against `sluice evaluate`, and the course of a run with made-up methods beside it."""

import importlib.machinery
import importlib.util
import json
import os
import subprocess
import sys

import comparison
import measure
import metrics
import numpy as np
import pandas as pd
import peers
import program as harness
import pytest
import record
from cache import Cache
from conftest import ROOT, series
from panel import Panel, Split
from problem import Problem, Source

# The same validation part, whatever is held out behind it: intervals are calibrated on it.
SHORT = ["--training.steps", "30", "--network.hidden_size", "8", "--data.valid", "14"]


@pytest.fixture(scope="module")
def sales(tmp_path_factory):
    """Ten products over 200 days, by sluice simulate; all have begun before the last month."""
    file = tmp_path_factory.mktemp("sales") / "sales.parquet"
    subprocess.run([os.environ["SLUICE_PROGRAM"], "simulate", file, "--stores", "2", "--items", "5", "--days", "200"], check=True,
                   capture_output=True)
    read = pd.read_parquet(file)
    return read.assign(ds=pd.to_datetime(read["ds"]))


def problem(frame, **more):
    given = dict(name="made", about="made up", read=lambda _: frame, frequency="D", season=7, split=Split(7), metric="MASE",
                 protocol="a test's")
    return Problem(**(given | more))


@pytest.mark.parametrize("loss", ["quantile", "tweedie"])  # of medians, and of means with a median beside
def test_scores_are_those_of_sluice_evaluate(sales, program, tmp_path, loss):
    short = [*SHORT, "--training.loss", loss]
    split = Split(7, origins=2, step=3)
    asked = problem(sales[["unique_id", "ds", "y"]], split=split)
    panel = asked.panel(Source(tmp_path, program))
    made, _, _ = harness.forecast(program, asked, panel, 1, 1, short)
    mine = metrics.scores(panel, made, 7, np.full(10, True))

    asked.read(None).to_parquet(tmp_path / "all.parquet", index=False)
    common = ["--engine.threads", "1", "--mode.log_file", "false", "--mode.figures", "false", "--quiet"]
    for command in (["train", "all.parquet", "--horizon", "7", "--data.test", "10", "--training.seed", "1", *short],
                    ["evaluate", "runs/model.safetensors", "all.parquet", "--evaluate.n_windows", "2", "--evaluate.step", "3"]):
        subprocess.run([program, *command, *common], cwd=tmp_path, check=True, capture_output=True)
    report = json.loads((tmp_path / "runs" / "report.json").read_text())
    theirs = report["methods"][0]["total"]
    # Equal but for rounding: the model file and forecasts hold floats of 32 bits.
    for ours, name in (("MASE", "mase"), ("RMSSE", "rmsse"), ("WAPE", "wape"), ("sMAPE", "smape"), ("wQL", "wql")):
        assert mine[ours] == pytest.approx(theirs[name], rel=1e-4), ours
    assert mine["coverage"] == pytest.approx(theirs["coverage"]["80"], abs=1.5 / theirs["points"])  # one at an end, rounded


def test_known_inputs_and_words_go_to_the_program_for_the_horizon_too(sales, program, tmp_path):
    frame = sales.assign(day=sales["ds"].dt.day_name())
    asked = problem(frame, known=("price", "promotion"), known_words=("day",), static_words=("store",))
    panel = asked.panel(Source(tmp_path, program))
    made, seconds, command = harness.forecast(program, asked, panel, 1, 1, SHORT)
    assert np.isfinite(made[..., :3]).all() and made.shape == (1, 10, 7, 4) and seconds > 0
    assert command.startswith("sluice train data.parquet --horizon 7 --data.future price,promotion --data.future_categories day "
                              "--data.static_categories store")


def test_a_command_that_fails_says_what_it_said(program, tmp_path):
    asked = problem(series("a", range(30)))
    with pytest.raises(RuntimeError, match="(?s)ended with status.*training.stepz"):
        harness.forecast(program, asked, asked.panel(Source(tmp_path, program)), 1, 1, ["--training.stepz", "1"])


def test_a_toml_file_gives_its_network_training_and_validation_alone(tmp_path):
    (tmp_path / "a.toml").write_text('[data]\nvalid = 48\nformat = "tsf"\n[network]\npredict_day = 3\nlags = [1, 7]\nforking = true\n'
                                     '[training]\nseed = 4\nloss = "mae"\n[path]\ndata = ["x"]\n')
    assert harness.flags_of(str(tmp_path / "a.toml")) == ["--data.valid", "48", "--network.lags", "1,7", "--network.forking", "true",
                                                          "--training.loss", "mae"]
    assert harness.flags_of("--training.loss mse") == ["--training.loss", "mse"]


@pytest.fixture
def course(monkeypatch, tmp_path, program):
    """A run over two small sets beside methods that repeat the last value; counts how often these compute."""
    computed = []

    def repeat(name, asked, panel):
        computed.append(name)
        last = np.array([[h[-1] for h in panel.histories(k)] for k in range(panel.split.origins)])
        point = np.repeat(last[:, :, None], panel.split.horizon, axis=2)
        return np.stack([point - 1, point, point + 1], axis=-1), 1.5, 0

    whole = harness.forecast
    monkeypatch.setattr(harness, "forecast", lambda *given: whole(*given[:-1], ["--training.steps", "5", *given[-1]]))
    monkeypatch.setattr(peers, "forecast", repeat)
    monkeypatch.setattr(peers, "version", lambda name: "made-up 1")
    frame = pd.concat([series(name, np.arange(60) ** 2 % 11 + k) for k, name in enumerate("ab")])
    absent = problem(frame, name="absent", read=lambda source: pd.read_csv(source.data / "absent.csv"))
    monkeypatch.setattr(comparison, "ALL", (problem(frame, name="one", quick=True), problem(frame, name="two"), absent))

    def run(*words):
        options = entry_point().arguments(["--sluice", str(program), "--cache", str(tmp_path / "cache"), "--json",
                                           str(tmp_path / "out.json"), "--data", str(tmp_path), *words])
        return comparison.run(options, ROOT, 5)

    run.computed, run.json = computed, tmp_path / "out.json"
    return run


def entry_point():
    loader = importlib.machinery.SourceFileLoader("accuracy_run", str(ROOT / "benchmarks" / "accuracy" / "run"))
    spec = importlib.util.spec_from_loader("accuracy_run", loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules["accuracy_run"] = module
    loader.exec_module(module)
    return module


def test_a_run_records_every_method_and_what_made_it(course):
    assert course("--only", "one", "--seeds", "2", "--variant", "small=--network.hidden_size 4") == 0
    entry = json.loads(course.json.read_text())["sets"]["one"]
    assert list(entry["methods"]) == ["sluice", "sluice, small", *peers.NAMES]
    scores = entry["methods"]["sluice"]["scores"]["MASE"]
    assert len(scores["values"]) == 2 and scores["mean"] == pytest.approx(np.mean(scores["values"]), rel=1e-4)
    assert scores["sd"] == pytest.approx(abs(scores["values"][0] - scores["values"][1]) / np.sqrt(2), rel=1e-3)
    assert set(entry["methods"]["AutoETS"]["scores"]["coverage"]) == {"mean"}
    assert entry["methods"]["ETS + Theta"]["processor_seconds"]["mean"] == 3
    assert entry["run"]["command"] == "benchmarks/accuracy/run --only one --seeds 2 --threads 1 --variant 'small=--network.hidden_size 4'"
    assert {"date", "processor", "build", "program_commit", "seeds"} <= set(entry["run"])


def test_a_later_run_computes_sluice_alone_and_keeps_other_sets(course):
    fast = ("--seeds", "1", "--variant", "small=--network.hidden_size 4")
    assert course("--only", "one", *fast) == 0
    assert course.computed == ["seasonal naive", "AutoETS", "AutoTheta", "LightGBM"]
    assert course("--only", "two", *fast) == 0  # asks the same of the same series
    assert len(course.computed) == 4 and set(json.loads(course.json.read_text())["sets"]) == {"one", "two"}


def test_a_set_whose_file_is_absent_is_left_out_and_said(course, capsys):
    assert course("--only", "absent") == 0
    assert "absent: left out:" in capsys.readouterr().out and not course.json.exists()


def test_quick_takes_the_quick_sets_and_one_seed(course):
    assert course("--quick", "--no-lightgbm") == 0
    sets = json.loads(course.json.read_text())["sets"]
    assert set(sets) == {"one"} and sets["one"]["run"]["seeds"] == 1 and "LightGBM" not in sets["one"]["methods"]


@pytest.mark.parametrize(("words", "message"), [
    (["--only", "onne"], "no set is named onne; the sets are one, two, absent"),
    (["--variant", "short"], "--variant short: write NAME=FLAGS or NAME=FILE.toml"),
    (["--sluice", "/nowhere/sluice"], "/nowhere/sluice: no such program"),
])
def test_wrong_arguments_are_named(course, capsys, words, message):
    assert course(*words) == 2
    assert message in capsys.readouterr().err


def test_a_file_that_is_no_results_is_not_overwritten(course, capsys):
    course.json.write_text('{"mine": 1}')
    assert course("--only", "one") == 2
    assert "is no file of results" in capsys.readouterr().err and course.json.read_text() == '{"mine": 1}'


def test_all_methods_are_scored_on_the_series_that_all_have_forecast():
    panel = Panel(pd.concat([series("a", [1, 2, 1, 2, 1, 2]), series("b", [1, 2, 1, 2, 1, 5])]), Split(1))
    both = measure.Made([np.array([[[[0, 3, 0]], [[0, 5, 0]]]], dtype=float)], [1], "v")
    one = measure.Made([np.array([[[[0, 2, 0]], [[np.nan] * 3]]])], [1], "v")
    entry = measure.measure(problem(panel.frame, season=1, split=Split(1)), panel, {"sluice": both, "AutoETS": one})
    assert entry["scored_series"] == 1
    assert entry["methods"]["sluice"]["scores"]["MASE"]["mean"] == 1
    assert entry["methods"]["sluice"]["scores_on_all_its_series"]["MASE"]["mean"] == 0.5
    assert entry["methods"]["AutoETS"]["scores"]["MASE"]["mean"] == 0


def test_no_series_in_common_is_an_error():
    panel = Panel(series("a", range(8)), Split(1))
    none = measure.Made([np.full((1, 1, 1, 3), np.nan)], [1], "v")
    with pytest.raises(ValueError, match="no series was forecast by every method .sluice 0."):
        measure.measure(problem(panel.frame, split=Split(1)), panel, {"sluice": none})


def test_gaps_are_straight_lines_for_methods_that_take_none():
    assert list(peers.without_gaps(np.array([np.nan, 2, np.nan, np.nan, 8, np.nan]))) == [2, 2, 4, 6, 8, 8]


def test_the_cache_gives_what_was_put_under_the_same_key_alone(tmp_path):
    cache = Cache(tmp_path / "new")
    cache.put(np.ones((1, 2, 3, 3)), {"seconds": 2.5}, "ETS", "1", "abc")
    forecasts, facts = cache.get("ETS", "1", "abc")
    assert forecasts.shape == (1, 2, 3, 3) and facts == {"seconds": 2.5}
    assert cache.get("ETS", "2", "abc") is None


def test_results_hold_no_paths_of_a_machine(course, tmp_path):
    course("--only", "one", "--seeds", "1")
    assert str(tmp_path) not in course.json.read_text()
    assert record.read(course.json)["format"] == record.FORMAT


def test_types_are_checked():
    files = sorted((ROOT / "benchmarks" / "accuracy").glob("*.py"))
    done = subprocess.run([sys.executable, "-m", "mypy", "--config-file", ROOT / "pyproject.toml", "--python-version", "3.11",
                           "--cache-dir=/dev/null", *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
