"""Sluice, as a user has it: `sluice train` on the values up to an origin, `sluice forecast` from it.

Nothing is given but the data, the horizon and what the columns are. The horizon is not in the file, so there is nothing
to hold out (data.test = 0), series that end together are all forecast from there (data.end = common), and so are series
that end years before others, since the set's split says so (forecast.ended = true).
"""

from __future__ import annotations

import os
import pathlib
import resource
import subprocess
import tempfile
import tomllib

import numpy as np
import pandas as pd

from panel import Floats, Panel
from problem import Problem

COLUMNS = ["sluice-lo-80", "sluice", "sluice-hi-80", "sluice-median"]  # in the order of metrics.py
SECTIONS = ("network", "training")  # of a TOML file: what is a choice and says nothing about its data


def version(program: pathlib.Path) -> str:
    return subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout.strip()


def flags_of(settings: str) -> list[str]:
    """Flags as they are written, or those of a TOML file: network, training, and the validation part."""
    if not settings.endswith(".toml"):
        return settings.split()
    with open(settings, "rb") as file:
        read = tomllib.load(file)
    flags = [word for key in ("valid",) if key in read.get("data", {}) for word in (f"--data.{key}", str(read["data"][key]))]
    for section in SECTIONS:
        for key, value in read.get(section, {}).items():
            if key in ("predict_day", "seed", "seeds"):
                continue
            flags += [f"--{section}.{key}", text_of(value)]
    return flags


def text_of(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def data_flags(problem: Problem) -> list[str]:
    """What the columns are."""
    kinds = {"future": problem.known, "future_categories": problem.known_words, "static_reals": problem.statics,
             "static_categories": problem.static_words}
    flags = [word for kind, names in kinds.items() if names for word in (f"--data.{kind}", ",".join(names))]
    return flags + (["--data.end", "common"] if problem.common_end else [])


def run(command: list[str], folder: str) -> float:
    """Processor seconds of a command; RuntimeError with what it said where it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, "OMP_WAIT_POLICY": "passive"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: ended with status {done.returncode}\n{done.stderr[-2000:]}")
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def forecast(program: pathlib.Path, problem: Problem, panel: Panel, seed: int, threads: int,
             settings: list[str]) -> tuple[Floats, float, str]:
    """Forecasts, processor seconds of all trainings and forecasts, and the command of the training."""
    split = panel.split
    known = [*problem.known, *problem.known_words]
    result = np.full((split.origins, len(panel.ids), split.horizon, len(COLUMNS)), np.nan)
    seconds, shown = 0.0, ""
    common = ["--quiet", "--mode.log_file", "false", "--engine.threads", str(threads)]
    with tempfile.TemporaryDirectory() as folder:
        for origin in range(split.origins):
            panel.history(origin).to_parquet(f"{folder}/data.parquet", index=False)
            future: list[str] = []
            if known:
                panel.horizon(origin)[["unique_id", "ds", *known]].to_parquet(f"{folder}/future.parquet", index=False)
                future = ["--path.future", "future.parquet"]
            if split.trains_at(origin):
                choices = ["--horizon", str(split.horizon), *data_flags(problem), *settings]
                shown = shown or " ".join(["sluice train data.parquet", *choices])
                seconds += run([str(program), "train", "data.parquet", *choices, *future, "--data.test", "0", "--training.seed",
                                str(seed), "--path.model", "model.safetensors", *common], folder)
            seconds += run([str(program), "forecast", "model.safetensors", "data.parquet", *future, "--forecast.ended", "true",
                            "--path.forecast", "forecast.parquet", *common], folder)
            made = pd.read_parquet(f"{folder}/forecast.parquet").astype({"unique_id": str})
            made = made.reindex(columns=["unique_id", "ds", *COLUMNS])  # a loss of points gives no interval, one of medians no other median
            if made["ds"].dt.tz is not None:
                made["ds"] = made["ds"].dt.tz_localize(None)
            result[origin] = panel.placed(origin, made, COLUMNS)
    return result, seconds, shown
