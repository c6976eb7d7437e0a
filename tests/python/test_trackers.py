"""sluice.callbacks: what TensorBoard's and MLflow's own readers find is what the training said."""

import json
import subprocess
import sys

import mlflow
import optuna
import pytest
from conftest import H, quick, sales
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

import sluice

COSINE = {"training.schedule": "cosine"}
LOSSES = ("train_loss", "valid_loss", "learning_rate")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mlflow")
    uri = f"sqlite:///{folder}/mlflow.db"
    client = mlflow.MlflowClient(tracking_uri=uri)
    client.create_experiment("shop", artifact_location=str(folder / "artifacts"))
    return client, uri


def read_board(folder):
    """({tag: [(step, value)]}, the hyperparameters) of TensorBoard's event file."""
    board = EventAccumulator(str(folder))
    board.Reload()
    scalars = {tag: [(one.step, one.value) for one in board.Scalars(tag)] for tag in board.Tags()["scalars"]}
    said = board.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    session = plugin_data_pb2.HParamsPluginData.FromString(said).session_start_info
    return scalars, {key: value.WhichOneof("kind") and getattr(value, value.WhichOneof("kind"))
                     for key, value in session.hparams.items()}


def read_run(client, run_id):
    run = client.get_run(run_id)
    metrics = {name: [(one.step, one.value) for one in client.get_metric_history(run_id, name)]
               for name in run.data.metrics}
    return metrics, run


def epochs_of(path):
    """{tag: [(step, value)]} of the JSON lines."""
    found = {}
    for event in map(json.loads, path.read_text().splitlines()):
        if event["event"] != "epoch":
            continue
        group = [f"refit_{event['refit']}"] if "refit" in event else []
        group += [event["label"]] if event["label"] else []
        for name in LOSSES:
            if event[name] is not None:
                found.setdefault("/".join([*group, name]), []).append((event["step"], event[name]))
    return found


def assert_same(found, expected, rel):
    """`found` has each series of `expected`, step by step."""
    for tag, points in expected.items():
        assert [step for step, _ in found[tag]] == [step for step, _ in points], tag
        assert [value for _, value in found[tag]] == pytest.approx([value for _, value in points], rel=rel), tag


@pytest.fixture(scope="module")
def fitted(tmp_path_factory, store):
    """One fit and one cross_validation with both trackers: (forecaster, folder, its run, what a callback saw)."""
    folder, seen = tmp_path_factory.mktemp("runs"), []
    board = sluice.callbacks.TensorBoard(folder / "board")
    flow = sluice.callbacks.MLflow("shop", tracking_uri=store[1], run_name="first", tags={"team": "north"})
    forecaster = quick(settings=COSINE)
    forecaster.fit(sales(), callbacks=[board, seen.append, flow], events=folder / "events.jsonl")
    status = store[0].get_run(flow.run_id).info.status
    forecaster.cross_validation(sales(), n_windows=2, refit=True, callbacks=[board, flow], events=folder / "events.jsonl")
    return forecaster, folder, flow.run_id, seen, status


def test_losses_and_rates_are_those_of_the_events(fitted, store):
    _, folder, run_id, _, _ = fitted
    expected = epochs_of(folder / "events.jsonl")
    assert {"train_loss", "final/train_loss", "refit_1/valid_loss", "refit_2/final/learning_rate"} < set(expected)
    assert "final/valid_loss" not in expected, "nothing is held out then"
    scalars, _ = read_board(folder / "board")
    metrics, _ = read_run(store[0], run_id)
    for found, rel in ((scalars, 1e-6), (metrics, 1e-8)):  # TensorBoard's are of single precision
        assert_same(found, expected, rel)
        assert {tag for tag in found if tag.endswith(LOSSES)} == set(expected) | {"model/valid_loss"}
    assert expected["learning_rate"][0][1] > expected["learning_rate"][-1][1] > 0


def test_throughput_is_what_callbacks_see(fitted, store):
    _, folder, run_id, seen, _ = fitted
    expected = {"windows_per_second": [(one.step, one.windows_per_second) for one in seen if not one.label]}
    assert_same(read_board(folder / "board")[0], expected, 1e-6)
    assert_same(read_run(store[0], run_id)[0], expected, 1e-12)


def test_settings_are_hyperparameters(fitted, store):
    forecaster, folder, run_id, _, _ = fitted
    _, hyperparameters = read_board(folder / "board")
    _, run = read_run(store[0], run_id)
    assert hyperparameters["network.hidden_size"] == 8 and run.data.params["network.hidden_size"] == "8"
    assert hyperparameters["training.final_fit"] is True and run.data.params["training.final_fit"] == "true"
    assert hyperparameters["training.schedule"] == run.data.params["training.schedule"] == "cosine"
    assert hyperparameters["forecast.levels"] == run.data.params["forecast.levels"] == "80"
    assert hyperparameters["data.targets"] == run.data.params["data.targets"] == "y"
    assert run.data.params["evaluate.n_windows"] == "2", "of the cross_validation"
    assert set(hyperparameters) == {key for key in run.data.params if not key.startswith("evaluate.")}
    section, lines = "", set()
    for line in forecaster.explain_settings().splitlines():
        section = line[1:-1] if line.startswith("[") else section
        if section in ("network", "training") and " = " in line and not line.endswith('= ""'):
            lines.add(f"{section}.{line.split(' = ')[0]}")
    assert lines == {key for key in hyperparameters if key.startswith(("network.", "training."))}


def test_final_scores_are_the_models_and_the_reports(fitted, store):
    forecaster, folder, run_id, _, _ = fitted
    info, methods = forecaster.model_info_, forecaster.report_["methods"]
    expected = {f"model/{name}": info[name] for name in ("valid_loss", "steps", "parameters", "train_seconds")}
    expected["score/mase"] = methods[0]["total"]["mase"]
    expected["score/coverage-80"] = methods[0]["total"]["coverage"]["80"]
    expected["seasonal_naive_7/mae"] = methods[1]["total"]["mae"]
    points = {tag: [(0, value)] for tag, value in expected.items()}
    assert_same(read_board(folder / "board")[0], points, 1e-6)
    assert_same(read_run(store[0], run_id)[0], points, 1e-12)


def test_the_run_has_its_name_tags_status_and_the_model(fitted, store):
    forecaster, _, run_id, _, status = fitted
    client = store[0]
    run = client.get_run(run_id)
    assert run.info.run_name == "first" and run.data.tags["team"] == "north"
    assert run.data.tags["sluice.version"] == sluice.__version__
    assert status == run.info.status == "FINISHED"
    assert client.get_experiment(run.info.experiment_id).name == "shop"
    file = client.download_artifacts(run_id, "model.safetensors")
    assert sluice.Forecaster.load(file).predict(sales()).equals(forecaster.predict())


def test_another_training_is_not_mixed_into_a_run(fitted, store):
    flow = sluice.callbacks.MLflow(tracking_uri=store[1], run_id=fitted[2])
    message = f"the run {fitted[2]} of MLflow has network.hidden_size = 8 already, and this training 4"
    with pytest.raises(sluice.ConfigError, match=message):
        quick(settings={**COSINE, "network.hidden_size": 4}).fit(sales(), callbacks=[flow])
    assert store[0].get_run(fitted[2]).info.status == "FINISHED"


def test_a_run_that_is_open_is_used_and_stays_open(store):
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(store[1])
    try:
        with mlflow.start_run(experiment_id=store[0].get_experiment_by_name("shop").experiment_id) as run:
            quick().fit(sales(), callbacks=[sluice.callbacks.MLflow(log_model=False)])
            found = store[0].get_run(run.info.run_id)
            assert found.info.status == "RUNNING" and found.data.metrics["model/steps"] == 40
            assert not store[0].list_artifacts(run.info.run_id)
    finally:
        mlflow.set_tracking_uri(before)


def test_what_ends_a_training_stands_in_the_run(store, tmp_path):
    def status(settings, *callbacks, error=None):
        flow = sluice.callbacks.MLflow("shop", tracking_uri=store[1])
        forecaster, board = quick(settings=settings), sluice.callbacks.TensorBoard(tmp_path)
        if error is None:
            forecaster.fit(sales(), callbacks=[flow, board, *callbacks])
        else:
            with pytest.raises(error):
                forecaster.fit(sales(), callbacks=[flow, board, *callbacks])
        run = store[0].get_run(flow.run_id)
        return run.info.status, [one.path for one in store[0].list_artifacts(flow.run_id)]

    def interrupt(progress):
        raise KeyboardInterrupt

    model = ["model.safetensors"]
    assert status({}, lambda progress: False) == ("FINISHED", model)
    assert status({}, interrupt, error=KeyboardInterrupt) == ("KILLED", model)
    assert status({"engine.device": "cuda:99"}, error=sluice.DeviceError) == ("FAILED", [])


def test_each_tracker_ends_whatever_the_others_do(df):
    class Watched(sluice.callbacks.Tracker):
        def __init__(self, bad=False):
            self.bad, self.ended, self.settings = bad, None, None

        def begin(self, settings):
            self.settings = settings
            if self.bad:
                raise OSError("no folder")

        def end(self, outcome):
            self.ended = outcome

    first, second, third = Watched(), Watched(bad=True), Watched()
    with pytest.raises(OSError, match="no folder"):
        quick().fit(df, callbacks=[first, second, third])
    assert first.ended.error == second.ended.error == "OSError: no folder" and first.ended.forecaster is None
    assert third.settings is None and third.ended is None
    good = Watched()
    forecaster = quick().fit(df, callbacks=[good])
    assert good.ended.forecaster is forecaster and good.ended.error is None
    assert good.settings["network.predict_day"] == H and good.ended.scores["model/steps"] == 40


@pytest.mark.parametrize("name, module, extra", [("TensorBoard", "tensorboardX", "tensorboard"), ("MLflow", "mlflow", "mlflow")])
def test_a_library_that_is_missing_is_named_with_its_extra(name, module, extra):
    code = f"""
import sys
sys.modules["{module}"] = None
import sluice
assert "tensorboardX" not in sys.modules or sys.modules["tensorboardX"] is None
sluice.callbacks.{name}("x")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == f"ImportError: {module} is not installed; pip install 'sluice[{extra}]'"


def test_nothing_is_imported_that_was_not_asked_for():
    code = "import sys, sluice; print([m for m in ('mlflow', 'tensorboardX', 'tensorboard', 'optuna') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_optuna_prunes_a_training(df):
    seen, models = {}, {}

    def objective(trial):
        # The second trial learns nothing, and is worse than the first one from its first epoch on.
        rate = trial.suggest_categorical("learning_rate", [0.01, 1e-9])
        forecaster = models[trial.number] = quick(learning_rate=rate, settings={"training.final_fit": False})

        def prune(progress):
            seen.setdefault(trial.number, []).append(progress.epoch)
            trial.report(progress.valid_loss, progress.epoch)
            if trial.should_prune():
                raise optuna.TrialPruned()

        forecaster.fit(df, callbacks=[prune])
        return forecaster.model_info_["valid_loss"]

    study = optuna.create_study(pruner=optuna.pruners.MedianPruner(n_startup_trials=1))
    study.enqueue_trial({"learning_rate": 0.01})
    study.enqueue_trial({"learning_rate": 1e-9})
    study.optimize(objective, n_trials=2)
    whole, pruned = study.trials
    assert (whole.state, pruned.state) == (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    assert seen == {0: [1, 2, 3, 4], 1: [1]}
    assert whole.value == pytest.approx(min(whole.intermediate_values.values()))
    assert models[1].interrupted_ and models[1].model_info_["steps"] == 10 and len(models[1].predict()) == 3 * H
