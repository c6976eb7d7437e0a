"""Values of Python as the texts of settings."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Mapping
from typing import Any

from .errors import ConfigError


def text_of(key: str, value: Any) -> str:
    """The value as `sluice --KEY VALUE` takes it. Raises ConfigError for what is no setting's value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    if isinstance(value, Iterable) and not isinstance(value, (bytes, Mapping)):
        return ",".join(_in_list(key, text_of(key, one)) for one in value)
    for kind in (int, float):
        try:
            if value == kind(value):  # numbers of NumPy, too
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
    """All settings but those that are None, which means: by its default."""
    return {key: text_of(key, value) for key, value in settings.items() if value is not None}


def whole(name: str, value: Any, least: int = 1) -> int:
    """Of an argument that counts. Raises ConfigError."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or operator.index(value) < least:
        raise ConfigError(f"{name} is {value!r}; give a whole number from {least}")
    return operator.index(value)


def given_twice(settings: Mapping[str, Any], arguments: Mapping[str, tuple[str, Any]]) -> None:
    """Raises ConfigError where a key of `settings` is also an argument that was given: {key: (argument, value)}."""
    for key, (argument, value) in arguments.items():
        if value is not None and settings.get(key) is not None:
            raise ConfigError(f"{key} is given twice, as settings={{'{key}': ...}} and as {argument}=; leave one out")
