"""The forecaster: a model of Sluice with the habits of scikit-learn and the names of Nixtla."""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import pathlib
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from . import _sluice
from ._arguments import Arguments, levels_of, names_of, windows_of_a_training
from ._columns import Columns, Tables
from ._frames import Frame
from ._log import events_to, logger
from ._progress import Callback, Line, watch_of
from ._settings import (
    COLUMNS,
    Frequency,
    arguments_of,
    frequency_of,
    given_twice,
    path_text,
    says_test,
    texts_of,
    whole,
)
from ._text import Text
from .callbacks import SECTIONS_OF_EVALUATION, SECTIONS_OF_FIT, scores_of_model, scores_of_report, tracked
from .errors import ConfigError, DataError, NotFittedError

Path = str | os.PathLike[str]


def _frame(data: Any, name: str) -> Frame | None:
    return None if data is None else Frame(data, name)


def model_of(content: bytes) -> _sluice.Model:
    """The model whose file holds `content`. Raises DataError."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "model.safetensors"
        file.write_bytes(content)
        try:
            return _sluice.Model.load(str(file))
        except DataError as error:
            raise DataError(str(error).replace(str(file), "the model that was handed on")) from None


class Forecaster(Arguments):
    """Forecasts every series of a table, `h` steps ahead, with intervals.

    Parameters
    ----------
    h : int
        Horizon, in steps. None: what suits the frequency.
    freq : str, int, offset of pandas or timedelta
        Distance of the steps, by pandas' names ("D", "h", "15min", "B", "W-SUN", "MS") or offsets, a timedelta, or 1
        where times are integers. None: from the times.
    level : list of numbers
        Intervals in percent, such as [80, 95]: columns "sluice-lo-80", "sluice-hi-80" and so on. None: [80].
    input_size : int
        Steps of the past that the LSTM sees. None: by the frequency.
    futr_exog_list, hist_exog_list, stat_exog_list : lists of str
        Input columns that are known for the horizon too, that are known up to the origin only, and with one value
        a series. Numbers are inputs as they are, texts are categories.
    id_col, time_col, target_col : str
        Columns of the series' ids, the times and the values (a list of several: they are forecast together).
    max_steps : int
        Training steps at most. learning_rate : float. random_seed : int.
    test_size : int or float
        What is held out at each series' end and never trained on: steps, or a share below 1, or "auto". 0 unless
        `settings` or `config` say: a forecaster is fitted to all that it is given. (`sluice train` holds out "auto".)
    device : str
        "cpu", "cuda" or "cuda:1"; of trainings and forecasts. None: the first GPU of a build with CUDA, else the CPU.
    settings : dict
        Any other setting by its key, {"network.hidden_size": 128}; `sluice.explain()` lists them.
    config : path
        A TOML file of settings, which arguments go before.

    Attributes
    ----------
    model_info_ : dict
        What the model is: horizon, window, levels, frequency, channels, parameters.
    left_out_ : list of {"unique_id", "reason"}
        The series that the last `predict` gave no forecast of.
    report_ : dict
        The scores of the last `cross_validation`, beside the simple methods'; docs/metrics.md defines them.
    interrupted_ : bool
        Whether the training was ended before its time, by a callback or Ctrl-C.
    """

    def __init__(
        self,
        h: int | None = None,
        freq: Frequency | None = None,
        level: Sequence[float] | None = None,
        *,
        input_size: int | None = None,
        futr_exog_list: Sequence[str] | None = None,
        hist_exog_list: Sequence[str] | None = None,
        stat_exog_list: Sequence[str] | None = None,
        id_col: str = "unique_id",
        time_col: str = "ds",
        target_col: str | Sequence[str] = "y",
        max_steps: int | None = None,
        learning_rate: float | None = None,
        random_seed: int | None = None,
        test_size: int | float | str | None = None,
        device: str | None = None,
        settings: Mapping[str, Any] | None = None,
        config: Path | None = None,
    ) -> None:
        self.h = h
        self.freq = freq
        self.level = level
        self.input_size = input_size
        self.futr_exog_list = futr_exog_list
        self.hist_exog_list = hist_exog_list
        self.stat_exog_list = stat_exog_list
        self.id_col = id_col
        self.time_col = time_col
        self.target_col = target_col
        self.max_steps = max_steps
        self.learning_rate = learning_rate
        self.random_seed = random_seed
        self.test_size = test_size
        self.device = device
        self.settings = settings
        self.config = config
        self._model: _sluice.Model | None = None
        self._columns: Columns | None = None  # of the model
        self._df: Frame | None = None
        self._static_df: Frame | None = None
        self._loaded = False

    def _settings_texts(self) -> dict[str, str]:
        if not isinstance(self.settings, Mapping | None):
            raise ConfigError(f"settings is {self.settings!r}; give a dict, as {{'network.hidden_size': 128}}")
        settings = dict(self.settings or {})
        arguments = {
            "network.predict_day": ("h", None if self.h is None else whole("h", self.h)),
            "data.frequency": ("freq", frequency_of(self.freq)),
            "forecast.levels": ("level", levels_of(self.level)),
            "network.time_step": ("input_size", self.input_size),
            "training.steps": ("max_steps", self.max_steps),
            "training.learning_rate": ("learning_rate", self.learning_rate),
            "training.seed": ("random_seed", self.random_seed),
            "data.test": ("test_size", self.test_size),
            "engine.device": ("device", self.device),
        }
        given_twice(settings, arguments)
        for key in COLUMNS:
            if key in settings:
                raise ConfigError(f"settings: {key} is said by id_col, time_col, target_col and the lists of "
                                  f"columns; leave it out")
        if self.test_size is None and "data.test" not in settings and not (self.config and says_test(self.config)):
            settings["data.test"] = 0
        settings.update({key: value for key, (_, value) in arguments.items() if value is not None})
        return texts_of(settings)

    def _asked_columns(self) -> Columns:
        return Columns(
            id=self.id_col, time=self.time_col, targets=names_of("target_col", self.target_col),
            past=names_of("hist_exog_list", self.hist_exog_list),
            future=names_of("futr_exog_list", self.futr_exog_list),
            statics=names_of("stat_exog_list", self.stat_exog_list),
        )

    # ---- work -------------------------------------------------------------------------------------------------

    def fit(
        self,
        df: Any,
        *,
        static_df: Any = None,
        val_size: int | float | None = None,
        callbacks: Sequence[Callback] = (),
        progress: bool | None = None,
        events: Path | None = None,
    ) -> Forecaster:
        """Trains on all series of `df`, a row for each series and time in any order; returns self.

        static_df : a row for each series with the columns of stat_exog_list. None: they are in df.
        val_size : what choices are made on at each series' end, steps or a share below 1. None: a tenth, at least h.
        callbacks : called with a Progress at each epoch's end; one that returns False ends the training. What one
            raises ends it too, and comes out of here. Those of sluice.callbacks write to TensorBoard and MLflow.
        progress : whether a line shows it; None: in a terminal and in a notebook.
        events : a file to which the training's events are added as JSON lines.

        Ctrl-C ends the training with KeyboardInterrupt; the forecaster then has the best model so far, as after an
        exception of a callback. Raises ConfigError, DataError, DeviceError.
        """
        static = _frame(static_df, "static_df")
        tables = Tables(self._asked_columns(), Frame(df, "df").kept(), None, static and static.kept())
        tables.columns.require_apart(windows=False)
        settings = self._settings_texts()
        if val_size is not None:
            given_twice(self.settings or {}, {"data.valid": ("val_size", val_size)})
            settings.update(texts_of({"data.valid": val_size}))
        line = Line(progress)
        job = self._job(settings, tables, watch_of(line, callbacks))
        with tracked(callbacks, lambda: _sluice.settings(job, None), SECTIONS_OF_FIT) as outcome:
            try:
                with events_to(events):
                    model, interrupted, raised = _sluice.train(job)
            finally:
                line.close()
            self._take(model, tables.columns)
            self._df, self._static_df, self._loaded = tables.df, tables.static_df, False
            self.interrupted_ = interrupted
            outcome.forecaster, outcome.scores = self, scores_of_model(self.model_info_)
            if raised is not None:
                raise raised
        return self

    def predict(
        self,
        df: Any = None,
        *,
        futr_df: Any = None,
        future_df: Any = None,
        static_df: Any = None,
        h: int | None = None,
        level: Sequence[float] | None = None,
    ) -> Any:
        """Forecasts of every series from its end: id, time, "sluice" (the median), "sluice-lo-80", "sluice-hi-80", ...

        A model of a distribution (training.loss) has the mean in "sluice" and the median in "sluice-median".

        df : histories, with the columns of the fit. None: those that it was fitted to.
        futr_df (or future_df) : id, time and the columns of futr_exog_list for the horizon of every series, in any
            order; without the id column a row holds for all series. All steps of the model, also where h is less.
        h : fewer steps than the model has. level : other intervals, in percent.

        The table is of df's kind, its series in the order of their first rows in df, the steps of each below each
        other; ids and times have df's types. Series that cannot be forecast are left out and named in left_out_ and
        the log; settings={"forecast.strict": True} makes them an error, but for those that ended long ago. Rows that
        futr_df lacks are one, unless settings={"forecast.strict": False}.

        Raises NotFittedError, ConfigError, DataError.
        """
        _, columns = self._fitted()
        if futr_df is not None and future_df is not None:
            raise ConfigError("futr_df and future_df are two names of one argument; give one of them")
        futr_df = future_df if futr_df is None else futr_df
        steps = self._steps(h)
        self._require_future(futr_df)
        tables = Tables(columns, *self._data(df, static_df, futr_df))
        table = self._forecast(tables, self._later_texts(level))
        self._refuse_unknown_future(columns, futr_df is not None)
        for one in self.left_out_[:3]:
            logger.warning("no forecast of '%s': %s", one["unique_id"], one["reason"])
        if len(self.left_out_) > 3:
            logger.warning("no forecast of %d series in all; left_out_ has the reasons", len(self.left_out_))
        return tables.like_df(self._first_steps(table, steps))

    def cross_validation(
        self,
        df: Any = None,
        n_windows: int = 1,
        step_size: int | None = None,
        refit: bool | int | None = False,
        *,
        static_df: Any = None,
        level: Sequence[float] | None = None,
        callbacks: Sequence[Callback] = (),
        progress: bool | None = None,
        events: Path | None = None,
    ) -> Any:
        """Forecasts from `n_windows` origins, the last one h steps before the end, beside what came.

        Columns: id, time, "cutoff" (the last time that was known), the target, "sluice" and the intervals. The
        scores are in report_.

        step_size : steps between origins. None: the horizon.
        refit : False or 0: one training, before the first origin; True: one before each; r: one every r origins. None:
            the fitted model, whose training must end before the first origin (test_size).

        callbacks, progress, events : as in fit. A callback that returns False raises Interrupted.

        Trainings are by this forecaster's arguments, on data before the origin; the fitted model stays what it is.
        Ctrl-C raises KeyboardInterrupt and gives nothing. Raises ConfigError, DataError, DeviceError.
        """
        n_windows = whole("n_windows", n_windows)
        every = 0 if refit is None else windows_of_a_training(refit, n_windows)
        model = self._model if refit is None or self._loaded else None
        if refit is None or self._loaded:
            model, columns = self._fitted()
        else:
            columns = self._asked_columns()
        columns.require_apart(windows=True)
        texts = self._later_texts(level) if model is not None else self._settings_texts()
        step = None if step_size is None else whole("step_size", step_size)
        asked = {"evaluate.n_windows": n_windows, "evaluate.step": step, "evaluate.refit": every,
                 "forecast.levels": levels_of(level)}
        texts.update(texts_of(asked))
        tables = Tables(columns, *self._data(df, static_df, None))
        line = Line(progress)
        job = self._job(texts, tables, watch_of(line, callbacks), settings_of_columns=model is None)
        with tracked(callbacks, lambda: _sluice.settings(job, model), SECTIONS_OF_EVALUATION) as outcome:
            try:
                with events_to(events):
                    stream, report = _sluice.evaluate(job, model)
            finally:
                line.close()
            self.report_: dict[str, Any] = json.loads(report)
            outcome.scores = scores_of_report(self.report_)
        return tables.like_df(stream)

    def explain_settings(self) -> Text:
        """Every setting that this forecaster means, with its model where there is one, as TOML."""
        if self._model is not None:
            return self._check_later(self._later_texts(None))
        job = _sluice.Job()
        for key, value in self._settings_texts().items():
            job.set(key, value)
        if self.config is not None:
            job.set_file(path_text(self.config))
        return Text(_sluice.settings(job, None))

    # ---- files ------------------------------------------------------------------------------------------------

    def save(self, path: Path) -> None:
        """Writes the model, a file that `sluice forecast` and `Forecaster.load` read."""
        self._fitted()[0].save(path_text(path))

    @classmethod
    def load(cls, path: Path, **params: Any) -> Forecaster:
        """The forecaster of a model's file, also one of `sluice train`; it has no data, so predict needs df.

        params: arguments of Forecaster. id_col, time_col and target_col are what the tables call the model's columns;
            the others go before the model's own for the next fit, which is by the model's settings.
        """
        return cls._of_model(_sluice.Model.load(path_text(path)), params)

    @classmethod
    def _of_model(cls, model: _sluice.Model, params: Mapping[str, Any]) -> Forecaster:
        info = json.loads(model.info())
        said = Columns(
            id=info["id"][0] if len(info["id"]) == 1 else None,
            time=info["time"][0] if len(info["time"]) == 1 else None,
            targets=info["targets"], past=info["past"] + info["past_categories"],
            future=info["future"] + info["future_categories"],
            statics=info["static_reals"] + info["static_categories"],
        )
        made = cls(
            h=info["horizon"], freq=info["frequency"], level=info["levels"], input_size=info["window"],
            futr_exog_list=said.future or None, hist_exog_list=said.past or None, stat_exog_list=said.statics or None,
            target_col=said.targets[0] if len(said.targets) == 1 else said.targets,
            **arguments_of(info["settings"]),
        )
        made.id_col, made.time_col = said.id or made.id_col, said.time or made.time_col
        made.set_params(**params)
        targets = names_of("target_col", made.target_col)
        called = Columns(params.get("id_col", said.id), params.get("time_col", said.time), targets)
        pairs = [(called.id, said.id), (called.time, said.time), *zip(called.targets, said.targets, strict=False)]
        said.trained_as = {new: old for new, old in pairs if new is not None and old is not None and new != old}
        said.id, said.time, said.targets = called.id, called.time, called.targets
        made._take(model, said)
        made._loaded = True
        return made

    def __copy__(self) -> Forecaster:
        """Shares model and data, which nobody changes."""
        made = type(self).__new__(type(self))
        made.__dict__.update(self.__dict__)
        return made

    def __deepcopy__(self, memo: dict[int, Any]) -> Forecaster:
        made = self.__copy__()
        shared = ("_model", "_df", "_static_df")
        made.__dict__.update({name: copy.deepcopy(value, memo) for name, value in self.__dict__.items()
                              if name not in shared})
        return made

    def __getstate__(self) -> dict[str, Any]:
        """Arguments and model; not the data that it was fitted to, so predict needs df afterwards."""
        state = {name: value for name, value in self.__dict__.items() if name not in ("_df", "_static_df", "_model")}
        # As plain values: a later version may call its private classes otherwise.
        state["_columns"] = None if self._columns is None else dataclasses.asdict(self._columns)
        if self._model is not None:
            state["_model_file"] = self._content()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        content, columns = state.pop("_model_file", None), state.pop("_columns")
        self.__dict__.update(state, _df=None, _static_df=None, _model=None)
        self._columns = None if columns is None else Columns(**columns)
        if content is not None:
            self._model = model_of(content)

    def _content(self) -> bytes:
        """What `save` would write."""
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "model.safetensors"
            self.save(file)
            return file.read_bytes()

    # ---- parts ------------------------------------------------------------------------------------------------

    def _take(self, model: _sluice.Model, columns: Columns) -> None:
        self._model, self._columns = model, columns
        self.model_info_: dict[str, Any] = json.loads(model.info())
        # What validation was better without is not asked for, and ignored where it is given.
        gone = self.model_info_["left_out"]
        columns.future = [name for name in columns.future if name not in gone]

    def _fitted(self) -> tuple[_sluice.Model, Columns]:
        if self._model is None or self._columns is None:
            raise NotFittedError("this forecaster has no model yet; call fit(df), or Forecaster.load(path)")
        return self._model, self._columns

    def _steps(self, h: int | None) -> int:
        """The steps to be forecast. Raises ConfigError where the model has fewer."""
        most = int(self.model_info_["horizon"])
        h = None if h is None else whole("h", h)
        if h is not None and h > most:
            raise ConfigError(f"h is {h}, and the model forecasts 1 to {most} steps; fit one with h={h}")
        return most if h is None else h

    def _require_future(self, futr_df: Any) -> None:
        """Raises DataError where the model has known inputs and there is no table of them."""
        _, columns = self._fitted()
        if columns.future and futr_df is None:
            names = ", ".join(f"'{name}'" for name in columns.future)
            raise DataError(f"the model needs {names} for the horizon: give futr_df with {columns.id or 'unique_id'}, "
                            f"{columns.time or 'ds'} and {names}")

    def _forecast(self, tables: Tables, texts: Mapping[str, str]) -> pa.Table:
        """The library's forecasts of all series, but those in left_out_; raises DataError where that is all."""
        job = self._job(texts, tables, None, settings_of_columns=False)
        stream, left_out = _sluice.forecast(job, self._fitted()[0])
        self.left_out_: list[dict[str, str]] = json.loads(left_out)
        return pa.RecordBatchReader.from_stream(stream).read_all()

    def _first_steps(self, table: pa.Table, steps: int) -> pa.Table:
        """The rows of the first `steps` steps of each series."""
        horizon = int(self.model_info_["horizon"])
        if steps == horizon:
            return table
        return table.take([row for row in range(table.num_rows) if row % horizon < steps])

    def _refuse_unknown_future(self, columns: Columns, given: bool) -> None:
        """Raises DataError where series were left out because futr_df lacks rows of them."""
        starts = tuple(f"no {column}{end}" for column in columns.future for end in (" for", ", "))
        lacking = [one for one in self.left_out_ if one["reason"].startswith(starts)]
        if not given or not lacking or "forecast.strict" in (self.settings or {}):
            return
        named = ", ".join(f"'{one['unique_id']}' ({one['reason']})" for one in lacking[:5])
        raise DataError(
            f"futr_df: {len(lacking)} series lack known values of the horizon: {named}"
            f"{', ...' if len(lacking) > 5 else ''}; give a row for each series and each of the "
            f"{self.model_info_['horizon']} steps after its end, with {', '.join(columns.future)}, or leave such "
            f"series out by settings={{'forecast.strict': False}}"
        )

    def _data(self, df: Any, static_df: Any, futr_df: Any) -> tuple[Frame, Frame | None, Frame | None]:
        """df, futr_df, static_df as Tables takes them."""
        if df is None and self._df is None:
            raise DataError("there are no histories to forecast: give df (a file or pickle of a model holds none)")
        frame = self._df if df is None else Frame(df, "df")
        assert frame is not None
        static = self._static_df if static_df is None else Frame(static_df, "static_df")
        return frame, _frame(futr_df, "futr_df"), static

    def _later_texts(self, level: Sequence[float] | None) -> dict[str, str]:
        """What a forecast may still choose; all else the model knows."""
        settings = {key: value for key, value in (self.settings or {}).items()
                    if key.startswith(("forecast.", "engine.")) and key != "engine.recurrence"}
        if self.device is not None:
            settings["engine.device"] = self.device
        if level is not None:
            settings["forecast.levels"] = levels_of(level)
        return texts_of(settings)

    def _check_later(self, texts: Mapping[str, str]) -> Text:
        """All settings of a forecast by the model with `texts`. Raises ConfigError for one that cannot be."""
        job = _sluice.Job()
        for key, value in texts.items():
            job.set(key, value)
        return Text(_sluice.settings(job, self._fitted()[0]))

    def _job(self, texts: Mapping[str, str], tables: Tables, watch: Any, settings_of_columns: bool = True
             ) -> _sluice.Job:
        job = _sluice.Job(watch)
        if self.config is not None and settings_of_columns:
            job.set_file(path_text(self.config))
        for key, value in texts.items():
            job.set(key, value)
        tables.add_to(job, settings_of_columns)
        return job


Forecaster.__module__ = "sluice"  # where pickles look for it
