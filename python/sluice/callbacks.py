"""Callbacks that write a training where others can follow it: TensorBoard's event files and MLflow.

    forecaster.fit(df, callbacks=[sluice.callbacks.TensorBoard("runs/first")])

Any callable is a callback; a Tracker also gets the settings before the training and what it came to. Both trackers
log, by training step, train_loss, valid_loss, learning_rate and windows_per_second of each epoch. A training that
is one of several has its name before them: "final/train_loss", "seed_1_of_3/train_loss", and of cross_validation
"refit_1/train_loss". After a fit there are model/valid_loss, model/steps, model/parameters and model/train_seconds;
after a cross_validation score/mae, score/mase and so on, and seasonal_naive_7/mae of each naive forecast.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import math
import os
import pathlib
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ._progress import Progress
from ._settings import values_in
from .errors import ConfigError

if TYPE_CHECKING:
    from ._forecaster import Forecaster

__all__ = ["MLflow", "Outcome", "TensorBoard", "Tracker"]

_files = itertools.count()

Settings = Mapping[str, Any]
"""{"network.hidden_size": 64, ...}"""


@dataclass
class Outcome:
    """What a training or cross_validation came to."""

    forecaster: Forecaster | None = None
    """With its model; None after a cross_validation, and where there is no model."""
    scores: dict[str, float] = field(default_factory=dict)
    error: str | None = None
    """The exception that ended it before its time, "KeyboardInterrupt: "; None also where a callback returned False."""


class Tracker:
    """A callback that also sees the beginning and the end. All that it raises ends the training, as of any callback."""

    def begin(self, settings: Settings) -> None:
        """Before the first step. `settings`: all that decide the model, by key."""

    def __call__(self, progress: Progress) -> Any:
        """At each epoch's end; False ends the training."""

    def end(self, outcome: Outcome) -> None:
        """After the last step, whatever happened."""


class TensorBoard(Tracker):
    """Writes an event file to the folder `log_dir`, which `tensorboard --logdir` shows; settings as hyperparameters.

    A folder for each training: those in one folder are drawn over each other. Needs `pip install
    'sluice[tensorboard]'`, else ImportError is raised here.
    """

    def __init__(self, log_dir: str | os.PathLike[str]) -> None:
        self.log_dir = os.fspath(log_dir)
        self._writer: Any = None
        self._session_end: Any = None
        _needed("tensorboardX", "tensorboard")

    def begin(self, settings: Settings) -> None:
        library = _needed("tensorboardX", "tensorboard")
        values = {key: value if isinstance(value, (bool, int, float)) else _text(value)
                  for key, value in settings.items()}
        shown = dict.fromkeys(("model/valid_loss", "score/mase", "score/wape", "score/wql"))
        experiment, session_start, self._session_end = library.summary.hparams(values, shown)
        # Else a second file of the same second would replace the first.
        suffix = f".{os.getpid()}.{next(_files)}"
        self._writer = library.SummaryWriter(self.log_dir, filename_suffix=suffix)
        self._writer.file_writer.add_summary(experiment)
        self._writer.file_writer.add_summary(session_start)
        self._writer.flush()

    def __call__(self, progress: Progress) -> None:
        self._write(_metrics(progress), progress.step)

    def end(self, outcome: Outcome) -> None:
        if self._writer is None:
            return
        self._write(outcome.scores, 0)
        if outcome.error is None:
            self._writer.file_writer.add_summary(self._session_end)
        self._writer.close()
        self._writer = None

    def _write(self, metrics: Mapping[str, float], step: int) -> None:
        for name, value in metrics.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()


class MLflow(Tracker):
    """Writes a run of MLflow: settings as parameters, and after a fit the model's file as artifact `model.safetensors`.

    The run is the one that `run_id` names, or else the active one (`with mlflow.start_run():`), which both stay open;
    or else a new one, which gets a status: FINISHED, KILLED where an exception or Ctrl-C left a model, FAILED where
    there is none. One object has one run: cross_validation with the object of the fit adds to its run. Its id is
    `run_id`. Needs `pip install 'sluice[mlflow]'`, else ImportError is raised here.

    experiment : its name; made where it is not there. None: MLFLOW_EXPERIMENT_NAME or _ID, which
        mlflow.set_experiment sets too, or MLflow's default.
    run_name : None: MLflow makes one up.
    tracking_uri : such as "http://server:5000" or "sqlite:///mlflow.db". None: what MLflow is set to.
    tags : of a new run, texts by name.
    log_model : whether the model's file becomes an artifact.
    """

    def __init__(
        self,
        experiment: str | None = None,
        *,
        run_name: str | None = None,
        tracking_uri: str | None = None,
        run_id: str | None = None,
        tags: Mapping[str, str] | None = None,
        log_model: bool = True,
    ) -> None:
        self.experiment = experiment
        self.run_name = run_name
        self.tracking_uri = tracking_uri
        self.run_id = run_id
        self.tags = dict(tags or {})
        self.log_model = log_model
        self._closes = self._begun = False
        _needed("mlflow", "mlflow")

    def begin(self, settings: Settings) -> None:
        if self.run_id is None:
            self._find_run()
        known = self._client.get_run(self.run_id).data.params
        texts = {key: _text(value) for key, value in settings.items()}
        for key, text in texts.items():
            if known.get(key, text) != text:
                raise ConfigError(f"the run {self.run_id} of MLflow has {key} = {known[key]} already, and this "
                                  f"training {text}; use another object of MLflow() for another training")
        self._begun = True
        entities = _needed("mlflow.entities", "mlflow")
        new = [entities.Param(key, text) for key, text in texts.items() if key not in known]
        for first in range(0, len(new), 100):  # at most, says MLflow
            self._client.log_batch(self.run_id, params=new[first:first + 100])

    def __call__(self, progress: Progress) -> None:
        self._write(_metrics(progress), progress.step)

    def end(self, outcome: Outcome) -> None:
        if not self._begun:
            return
        self._begun = False
        self._write(outcome.scores, 0)
        if self.log_model and outcome.forecaster is not None:
            with tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder) / "model.safetensors"
                outcome.forecaster.save(path)
                self._client.log_artifact(self.run_id, str(path))
        if self._closes:
            status = "FINISHED" if outcome.error is None else "KILLED" if outcome.forecaster is not None else "FAILED"
            self._client.set_terminated(self.run_id, status)

    @property
    def _client(self) -> Any:
        return _needed("mlflow", "mlflow").MlflowClient(tracking_uri=self.tracking_uri)

    def _find_run(self) -> None:
        active = _needed("mlflow", "mlflow").active_run()
        if active is not None:
            self.run_id = active.info.run_id
            return
        from . import __version__

        tags = {"sluice.version": __version__, **self.tags}
        run = self._client.create_run(self._experiment_id(), run_name=self.run_name, tags=tags)
        self.run_id, self._closes = run.info.run_id, True

    def _experiment_id(self) -> str:
        name = self.experiment or os.environ.get("MLFLOW_EXPERIMENT_NAME")
        if not name:
            return os.environ.get("MLFLOW_EXPERIMENT_ID") or "0"
        found = self._client.get_experiment_by_name(name)
        return str(found.experiment_id if found is not None else self._client.create_experiment(name))

    def _write(self, metrics: Mapping[str, float], step: int) -> None:
        entities, now = _needed("mlflow.entities", "mlflow"), round(time.time() * 1000)
        written = [entities.Metric(name, value, now, step) for name, value in metrics.items()]
        if written:
            self._client.log_batch(self.run_id, metrics=written)


@contextlib.contextmanager
def tracked(
    callbacks: Sequence[Callable[..., Any]], settings: Callable[[], str], sections: Sequence[str]
) -> Iterator[Outcome]:
    """Within it the trackers among `callbacks` have begun; at its end they get the Outcome that it gives.

    `settings` gives all settings as TOML, and is asked only where there is a tracker; those of `sections` are told.
    """
    outcome = Outcome()
    trackers = [callback for callback in callbacks if isinstance(callback, Tracker)]
    with contextlib.ExitStack() as stack:
        try:
            said = _flat(settings(), sections) if trackers else {}
            for tracker in trackers:
                stack.callback(tracker.end, outcome)
                tracker.begin(said)
            yield outcome
        except BaseException as error:
            outcome.error = f"{type(error).__name__}: {error}"  # the object's frames would keep all that they hold
            raise


SECTIONS_OF_FIT = ("data", "network", "training", "engine", "forecast")
SECTIONS_OF_EVALUATION = (*SECTIONS_OF_FIT, "evaluate")


def scores_of_model(info: Mapping[str, Any]) -> dict[str, float]:
    """Of Forecaster.model_info_."""
    return _numbers("model", {name: info[name] for name in ("valid_loss", "steps", "parameters", "train_seconds")})


def scores_of_report(report: Mapping[str, Any]) -> dict[str, float]:
    """Of Forecaster.report_."""
    scores: dict[str, float] = {}
    for method in report["methods"]:
        total = dict(method["total"])
        total.update({f"coverage-{level}": share for level, share in total.pop("coverage").items()})
        scores.update(_numbers("score" if method["name"] == "sluice" else method["name"], total))
    return scores


def _metrics(progress: Progress) -> dict[str, float]:
    parts = [f"refit {progress.refit}"] if progress.refit > 0 else []
    seed = re.fullmatch(r"(seed \d+)/(\d+)(?: (final))?", progress.label)
    parts += [f"{seed[1]} of {seed[2]}", *filter(None, [seed[3]])] if seed else filter(None, [progress.label])
    values = {name: getattr(progress, name)
              for name in ("train_loss", "valid_loss", "learning_rate", "windows_per_second")}
    return _numbers("/".join(parts), values)


def _numbers(group: str, values: Mapping[str, float | None]) -> dict[str, float]:
    """What is there of `values`, under names that both TensorBoard and MLflow take as they are."""
    prefix = re.sub(r"[^-\w./]+", "_", group).strip("_")
    named = {f"{prefix}/{name}" if prefix else name: value for name, value in values.items()}
    return {name: value for name, value in named.items() if value is not None and not math.isnan(value)}


def _flat(toml: str, sections: Sequence[str]) -> dict[str, Any]:
    return {key: value for key, value in values_in(toml).items()
            if key.split(".")[0] in sections and value not in ("", [])}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _needed(module: str, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or module.split(".")[0] != error.name.split(".")[0]:
            raise
        raise ImportError(f"{module} is not installed; pip install 'sluice[{extra}]'") from None
