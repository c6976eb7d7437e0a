"""What a forecaster is made with, kept and shown as scikit-learn does."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any, TypeVar

from ._settings import whole
from .errors import ConfigError

Itself = TypeVar("Itself", bound="Arguments")


def names_of(argument: str, value: str | Iterable[str] | None) -> list[str]:
    if value is None:
        return []
    names = [value] if isinstance(value, str) or not isinstance(value, Iterable) else list(value)
    for name in names:
        if not isinstance(name, str):
            raise ConfigError(f"{argument}: {name!r} ({type(name).__name__}) is no column's name; names are texts")
    return names


def levels_of(value: float | Iterable[float] | None) -> list[Any] | None:
    if value is None:
        return None
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]


def windows_of_a_training(refit: Any, n_windows: int) -> int:
    """How many origins one training serves."""
    if refit in (True, False):  # also those of NumPy, and 0
        return 1 if refit else n_windows
    return whole("refit", refit)


class Arguments:
    """A class whose constructor keeps each of its arguments in an attribute of that name."""

    @classmethod
    def _parameters(cls) -> dict[str, Any]:
        parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
        return {one.name: one.default for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments of the constructor, as scikit-learn has it."""
        return {name: getattr(self, name) for name in self._parameters()}

    def set_params(self: Itself, **params: Any) -> Itself:
        """Changes arguments for the next fit; returns self. Raises ConfigError for a name that is none."""
        known = self._parameters()
        for name in params:
            if name not in known:
                raise ConfigError(f"'{name}' is no argument of Forecaster; they are {', '.join(known)}")
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        given = {name: getattr(self, name) for name in self._parameters()}
        defaults = self._parameters()
        texts = [f"{name}={value!r}" for name, value in given.items() if repr(value) != repr(defaults[name])]
        return f"{type(self).__name__}({', '.join(texts)})"
