"""Runs the methods on one set and scores them: its entry in the results."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable

import numpy as np

import metrics
import peers
import program
from cache import Cache
from panel import Floats, Panel
from problem import Problem, Source

SLUICE = "sluice"


@dataclasses.dataclass(frozen=True)
class Variant:
    """Sluice by given settings; without any, by its defaults."""

    name: str
    settings: tuple[str, ...] = ()


@dataclasses.dataclass
class Made:
    """What a method forecast, one array a seed."""

    forecasts: list[Floats]
    seconds: list[float]
    version: str
    command: str = ""
    failed: int = 0


def mean_of(parts: list[Made]) -> Made:
    """The mean of points and interval ends of methods of one run each."""
    return Made([np.mean([part.forecasts[0] for part in parts], axis=0)], [sum(part.seconds[0] for part in parts)],
                parts[0].version, failed=sum(part.failed for part in parts))


def by_peers(problem: Problem, panel: Panel, names: list[str], cache: Cache, say: Callable[[str], None]) -> dict[str, Made]:
    """Forecasts of the methods beside Sluice, from the cache where it has them."""
    made: dict[str, Made] = {}
    for name in names:
        if name == peers.MEAN:
            continue
        # The simple methods see the targets alone, so a set with inputs and the same without them are one to these.
        whole = name == peers.LIGHTGBM
        asked = (problem.frequency, tuple(problem.inputs)) if whole else (problem.season, problem.every, problem.limit)
        key = (name, peers.version(name), panel.digest(inputs=whole), asked)
        found = cache.get(*key)
        if found is None:
            forecasts, seconds, failed = peers.forecast(name, problem, panel)
            cache.put(forecasts, {"seconds": seconds, "failed": failed}, *key)
            found = forecasts, {"seconds": seconds, "failed": failed}
        forecasts, facts = found
        made[name] = Made([forecasts], [float(str(facts["seconds"]))], peers.version(name), failed=int(str(facts["failed"])))
        say(f"{name} {made[name].seconds[0]:.1f} s")
    if {peers.AUTO_ETS, peers.AUTO_THETA, peers.MEAN} <= {*made, *names}:
        made[peers.MEAN] = mean_of([made[peers.AUTO_ETS], made[peers.AUTO_THETA]])
    return {name: made[name] for name in names if name in made}


def by_sluice(problem: Problem, panel: Panel, variant: Variant, source: Source, seeds: int, threads: int,
              say: Callable[[str], None]) -> Made:
    made = Made([], [], program.version(source.program))
    for seed in range(1, seeds + 1):
        forecasts, seconds, made.command = program.forecast(source.program, problem, panel, seed, threads,
                                                            list(variant.settings))
        made.forecasts.append(forecasts)
        made.seconds.append(seconds)
        say(f"{variant.name}, seed {seed}: {seconds:.1f} s")
    return made


def spread(values: list[float]) -> dict[str, object] | None:
    """Mean over seeds; of several also the sample standard deviation and each value. None where there is no number.

    Six digits: more are of no use, and files of results are read.
    """
    if not np.isfinite(values).all():
        return None
    short = [float(f"{value:.6g}") for value in (np.mean(values), *values)]
    if len(values) == 1:
        return {"mean": short[0]}
    return {"mean": short[0], "sd": float(f"{np.std(values, ddof=1):.6g}"), "values": short[1:]}


def scored(problem: Problem, panel: Panel, made: Made, which: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> dict[str, object]:
    by_seed = [metrics.scores(panel, forecasts, problem.season, which) for forecasts in made.forecasts]
    return {name: spread([scores[name] for scores in by_seed]) for name in metrics.METRICS}


def measure(problem: Problem, panel: Panel, made: dict[str, Made]) -> dict[str, object]:
    """The set's entry: every method on the series that all have forecast, and each on all that it has forecast."""
    own = {name: np.logical_and.reduce([metrics.complete(panel, f) for f in one.forecasts]) for name, one in made.items()}
    shared = np.logical_and.reduce(list(own.values()))
    if not shared.any():
        counts = ", ".join(f"{name} {which.sum()}" for name, which in own.items())
        raise ValueError(f"{problem.name}: no series was forecast by every method ({counts})")
    methods: dict[str, object] = {}
    for name, one in made.items():
        methods[name] = {
            "version": one.version, "command": one.command or None, "failed_fits": one.failed,
            "processor_seconds": spread(one.seconds), "series": int(own[name].sum()),
            "scores": scored(problem, panel, one, shared),
            "scores_on_all_its_series": scored(problem, panel, one, own[name])}
    return {"about": problem.about, "protocol": problem.protocol, "metric": problem.metric, "targets": problem.targets,
            "horizon": panel.split.horizon, "origins": panel.split.origins, "step": panel.split.step,
            "refit": panel.split.refit, "season": problem.season, "frequency": problem.frequency, "known": list(problem.known),
            "without": problem.without or None, "series": len(panel.ids), "scored_series": int(shared.sum()),
            "digest": panel.digest(), "methods": methods}


def variants(problem: Problem, given: list[Variant], configs: pathlib.Path | None) -> list[Variant]:
    """Sluice by its defaults, by what was given, and by the file of configs/ that is for this set."""
    found = [Variant(SLUICE), *given]
    if configs and problem.config:
        found.append(Variant(f"{SLUICE}, configs/{problem.config}", tuple(program.flags_of(str(configs / problem.config)))))
    return found
