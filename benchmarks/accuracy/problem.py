"""What a set of the comparison is: where its series come from, what is asked, and how the answers are scored."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable

import pandas as pd

from panel import Panel, Split


@dataclasses.dataclass(frozen=True)
class Source:
    """Where frames come from: a folder of public data sets, and Sluice's program, which simulates."""

    data: pathlib.Path
    program: pathlib.Path


@dataclasses.dataclass(frozen=True)
class Problem:
    """A set and its protocol. What is said here is said to every method, or to none."""

    name: str
    about: str
    read: Callable[[Source], pd.DataFrame]
    frequency: str  # pandas'
    season: int  # of the simple methods and of MASE
    split: Split
    metric: str  # the one that decides, of metrics.METRICS
    protocol: str  # whose split and metric it is
    known: tuple[str, ...] = ()  # input columns known over the horizon: numbers
    known_words: tuple[str, ...] = ()
    statics: tuple[str, ...] = ()  # columns with one number a series
    static_words: tuple[str, ...] = ()
    without: str = ""  # the set that is the same without these inputs
    common_end: bool = True  # all series end at one time; else each at its own
    targets: dict[str, float] = dataclasses.field(default_factory=dict)  # metric: what is aimed at
    quick: bool = False  # whether --quick runs it
    every: int = 1  # the simple methods, fitted series by series, forecast every n-th one
    limit: int = 0  # and see at most so many last values of it; 0: all
    config: str = ""  # a file of configs/ that was written for this set, which --configs runs too

    def panel(self, source: Source) -> Panel:
        return Panel(self.read(source)[["unique_id", "ds", "y", *self.inputs]], self.split)

    @property
    def inputs(self) -> list[str]:
        return [*self.known, *self.known_words, *self.statics, *self.static_words]
