"""Values of Python as the texts of settings."""

from __future__ import annotations

import datetime
import json
import operator
import os
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from . import _sluice
from .errors import ConfigError

# Settings that arguments of a forecaster say.
COLUMNS = ("data.id", "data.time", "data.targets", "data.past", "data.future", "data.past_categories",
           "data.future_categories", "data.static_reals", "data.static_categories")
_SHAPE = ("data.frequency", "network.predict_day", "network.time_step", "forecast.levels")
_TRAINING = {"max_steps": "training.steps", "learning_rate": "training.learning_rate", "random_seed": "training.seed"}


class _Offset(Protocol):
    """Those of pandas."""

    @property
    def freqstr(self) -> str: ...


Frequency = str | int | datetime.timedelta | _Offset

_UNITS = ((86400, "D"), (3600, "h"), (60, "min"), (1, "s"))


def frequency_of(value: Any) -> Any:
    """A frequency as the setting takes it: offsets of pandas and time differences by their names."""
    value = _python(value)
    if isinstance(value, datetime.timedelta) and value.total_seconds() >= 1 and value.total_seconds() % 1 == 0:
        seconds = int(value.total_seconds())
        size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
        return unit if seconds == size else f"{seconds // size}{unit}"
    return getattr(value, "freqstr", value)


def whole(name: str, value: Any, least: int = 1) -> int:
    """The argument as an int. Raises ConfigError for what is no whole number, or a smaller one."""
    if not isinstance(_python(value), bool):
        try:
            number = int(value) if isinstance(value, float) and value.is_integer() else operator.index(value)
            if number >= least:
                return number
        except TypeError:
            pass
    raise ConfigError(f"{name} is {value!r}; give a whole number from {least}")


def _python(value: Any) -> Any:
    """A number of NumPy as Python's."""
    return value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "item") else value


def text_of(key: str, value: Any) -> str:
    """The value as `sluice --KEY VALUE` takes it. Raises ConfigError for what is no setting's value."""
    value = _python(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    if isinstance(value, Iterable) and not isinstance(value, (bytes, Mapping)):
        return ",".join(_in_list(key, text_of(key, one)) for one in value)
    for kind in (int, float):
        try:
            if value == kind(value):
                return repr(kind(value))
        except (TypeError, ValueError, OverflowError):
            pass
    raise ConfigError(
        f"{key}: {value!r} ({type(value).__name__}) is no value of a setting; give a number, a text, True, False, or a "
        f"list of them"
    )


def _in_list(key: str, text: str) -> str:
    if "," in text:
        raise ConfigError(f"{key}: '{text}' has a comma, which separates names of a list; rename the column")
    return text


def texts_of(settings: Mapping[str, Any]) -> dict[str, str]:
    """All settings but those that are None, which means: by its default. Raises ConfigError."""
    for key in settings:
        if not isinstance(key, str):
            raise ConfigError(f"settings: {key!r} is no key; give texts such as 'network.hidden_size'")
    return {key: text_of(key, value) for key, value in settings.items() if value is not None}


def given_twice(settings: Mapping[str, Any], arguments: Mapping[str, tuple[str, Any]]) -> None:
    """Raises ConfigError where a key of `settings` is also an argument that was given: {key: (argument, value)}."""
    for key, (argument, value) in arguments.items():
        if value is not None and settings.get(key) is not None:
            raise ConfigError(f"{key} is given twice, as settings={{'{key}': ...}} and as {argument}=; leave one out")


def values_in(toml: str) -> dict[str, Any]:
    """The settings by their keys in what the library writes of them, a line each."""
    values = {}
    section = ""
    for line in toml.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line:
            key, value = line.split(" = ", 1)
            values[f"{section}.{key}"] = json.loads(value)
    return values


def arguments_of(toml: str) -> dict[str, Any]:
    """The arguments of a forecaster, but for columns, horizon, window, frequency and levels, with which a training is
    by the settings of a model, which the library wrote as `toml`."""
    settings = values_in(toml)
    defaults = values_in(_sluice.settings(_sluice.Job(), None))
    kept = {key: value for key, value in settings.items()
            if key.startswith(("data.", "network.", "training.", "forecast.")) and value != defaults.get(key)}
    arguments = {name: kept.pop(key, None) for name, key in _TRAINING.items()}
    test = settings["data.test"]
    kept = {key: value for key, value in kept.items() if key not in (*COLUMNS, *_SHAPE, "data.test")}
    return {**arguments, "test_size": None if test == 0 else test, "settings": kept or None}


def says_test(path: str | os.PathLike[str]) -> bool:
    """Whether a file of settings has data.test. What cannot be read has none here: the library says so."""
    section = ""
    try:
        lines = pathlib.Path(path).expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return False
    for line in lines:
        text = line.strip()
        if text.startswith("["):
            section = text.split("]")[0].strip("[ ")
        elif "=" in text and not text.startswith("#"):
            key = text.split("=")[0].replace('"', "").replace(" ", "")
            if (f"{section}.{key}" if section else key) == "data.test":
                return True
    return False


def path_text(path: str | os.PathLike[str]) -> str:
    """A path of the caller's, "~" in front for the home."""
    return os.path.expanduser(os.fspath(path))
