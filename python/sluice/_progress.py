"""Where a training stands: what callbacks get, and the line that shows it."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from .errors import ConfigError


@dataclass(frozen=True)
class Progress:
    """What a callback gets at the end of each epoch."""

    label: str
    """"seed 1/3", "final"; empty: the one training that chooses the number of steps. While settings are chosen by
    validation before it, no callback is called."""
    epoch: int
    """Epochs closed so far."""
    step: int
    """Training steps done."""
    total_steps: int
    """Steps at most; 0: not known."""
    fraction: float
    """Of the whole fit that is done, 0 to 1."""
    seconds: float
    """Since the training began."""
    windows_per_second: float
    train_loss: float
    """Mean of the epoch, in the model's space; NaN before the first one ends."""
    valid_loss: float
    """On the validation part; NaN where there is none."""
    epoch_end: bool
    learning_rate: float
    """Of the last step."""
    refit: int = 0
    """Which refit of a cross_validation, from 1; 0 in fit."""


Callback = Callable[[Progress], Any]

CHOICE = "choice "  # begins the label of a trial


def _line(p: Progress, width: int) -> str:
    done = round(p.fraction * 20)
    parts = [f"{p.fraction:4.0%} |{'█' * done}{'·' * (20 - done)}|"]
    if p.label:
        parts.append(p.label)
    parts.append(f"epoch {p.epoch}, step {p.step}" + (f"/{p.total_steps}" if p.total_steps else ""))
    for name, loss in (("train", p.train_loss), ("valid", p.valid_loss)):
        if not math.isnan(loss):
            parts.append(f"{name} {loss:.4g}")
    parts.append(f"{p.seconds:.0f} s")
    return " ".join(parts)[:width]


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    return shell is not None and type(shell.get_ipython()).__name__ == "ZMQInteractiveShell"


class Line:
    """One line on standard error that is written over: in a terminal always, in a notebook at each epoch's end."""

    def __init__(self, wanted: bool | None, out: TextIO | None = None) -> None:
        self._out = sys.stderr if out is None else out
        self._notebook = _in_notebook()
        self._on = (self._notebook or self._out.isatty()) if wanted is None else wanted
        self._written = 0

    def show(self, progress: Progress) -> None:
        if not self._on or (self._notebook and not progress.epoch_end):
            return
        text = _line(progress, 100)
        self._out.write("\r" + text.ljust(self._written))
        self._out.flush()
        self._written = len(text)

    def close(self) -> None:
        if self._written:
            self._out.write("\n")
            self._out.flush()


def watch_of(line: Line, callbacks: Sequence[Callback]) -> Callable[..., bool]:
    """What the library calls: False ends the training, as soon as a callback has said so at an epoch's end."""
    if not isinstance(callbacks, Sequence) or not all(map(callable, callbacks)):
        raise ConfigError(f"callbacks is {callbacks!r}; give a list of functions that take a sluice.Progress")

    def watch(*where: Any) -> bool:
        progress = Progress(*where)
        line.show(progress)
        if not progress.epoch_end or progress.label.startswith(CHOICE):
            return True
        return not any([_says_stop(callback(progress)) for callback in callbacks])

    return watch


def _says_stop(said: Any) -> bool:
    """False, also NumPy's, which a comparison with one of its numbers gives."""
    kind = type(said)
    return said is False or (kind.__module__ == "numpy" and kind.__name__ in ("bool", "bool_") and not said)
