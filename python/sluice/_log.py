"""What the library says goes to logging's "sluice"; its events, one JSON object each, to a file by an argument."""

from __future__ import annotations

import contextlib
import contextvars
import io
import logging
import os
from collections.abc import Iterator

from . import _sluice

logger = logging.getLogger("sluice")

_LEVELS = (logging.INFO, logging.WARNING, logging.ERROR)
_EVENT = 3
# The thread that calls the library is the one that receives its log.
_quiet: contextvars.ContextVar[bool] = contextvars.ContextVar("sluice_quiet", default=False)
_events: contextvars.ContextVar[io.TextIOBase | None] = contextvars.ContextVar("sluice_events", default=None)


def _receive(level: int, message: str) -> None:
    if level == _EVENT:
        file = _events.get()
        if file is not None:
            file.write(message + "\n")
            file.flush()
        return
    if _quiet.get() and _LEVELS[level] < logging.ERROR:
        return
    logger.log(_LEVELS[level], "%s", message)


@contextlib.contextmanager
def events_to(path: str | os.PathLike[str] | None) -> Iterator[None]:
    """Appends the events of the library's work in this thread to the file `path`, as JSON lines."""
    if path is None:
        yield
        return
    with open(path, "a", encoding="utf-8") as file:
        token = _events.set(file)
        try:
            yield
        finally:
            _events.reset(token)


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Drops the remarks of the library's work in this thread: on a part of a table they are none on the table."""
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)


_sluice.set_log(_receive)
