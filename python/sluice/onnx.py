"""Writes a model as an ONNX graph: raw history in, forecasts in the data's units out.

The graph does all that the engine does to a window, so that its user needs neither Sluice nor
Python. docs/onnx.md tells what goes in and what comes out.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray

from ._model_file import DISTRIBUTION_PARAMETERS, Model, ModelFile, path_of, read_model
from ._onnx_export import Export
from .errors import ConfigError


def to_onnx(model: Model, path: str | os.PathLike[str], *, level: Sequence[float] | None = None,
            scaling: str = "series", words: bool = False) -> None:
    """Writes `model` as the ONNX graph `path`; it forecasts as `sluice forecast` does.

    model    the path of a model's file, or an object with save(path)
    level    interval levels in percent; None: those of the model's settings
    scaling  "series": the graph has the scaling of every trained series, chosen by its input
             `series`; "inputs": offsets and scales are inputs (fit_scaling() makes those of a series
             that the training did not have)
    words    whether series and categories are inputs as texts instead of as codes

    Raises ConfigError if the model cannot be exported, or has no such level; ModelFileError (a
    DataError) if it cannot be read.
    """
    if scaling not in ("series", "inputs"):
        raise ConfigError(f"scaling = {scaling!r}; choose 'series' (the trained series' own, by index) "
                         "or 'inputs' (given with each call)")
    with path_of(model) as file:
        read = read_model(file)
    if read.spec["carry_state"]:
        raise ConfigError("the model was trained with training.carry_state = true: its forecast "
                         "begins with the state of all windows before, which a graph of one window "
                         "has not; train it with training.carry_state = false to export it")
    if read.spec.get("decoding") == "recursive":
        raise ConfigError("the model was trained with network.decoding = \"recursive\": its forecast draws "
                          "sample paths, which no graph does; train it with network.decoding = \"direct\" and "
                          "training.loss = \"quantile\" to export it")
    if read.spec["loss"] in DISTRIBUTION_PARAMETERS:
        raise ConfigError(f"the model was trained with training.loss = \"{read.spec['loss']}\": ONNX has no "
                         "operators for the quantiles of a distribution; train it with training.loss = "
                         "\"quantile\" to export it")
    if read.names.get("partners"):
        methods = ", ".join(read.names["partners"])
        raise ConfigError(f"the model's forecast is a mean with simple methods ({methods}), which are fitted to "
                         "each series and are no part of a graph; train it with training.partners = [\"none\"] to "
                         "export it")
    probabilities = quantile_probabilities(read, level)
    export = Export(read, probabilities, scaling == "series", words)
    onnx.save(export.build(), os.fspath(path))


def quantile_probabilities(model: ModelFile, level: Sequence[float] | None = None) -> list[float]:
    """The probabilities of the forecast's quantiles, ascending, 0.5 among them."""
    levels = model.config["forecast"]["levels"] if level is None else level
    found = {0.5}
    for each in np.atleast_1d(levels).tolist():
        if not 1 <= each < 100:
            raise ConfigError(f"level has {each}; a level is a percentage from 1 to below 100")
        found |= {round((50 - each / 2) * 1e6) / 1e8, round((50 + each / 2) * 1e6) / 1e8}
    probabilities = sorted(found)
    if model.spec["loss"] == "quantile":
        for p in probabilities:
            if np.float32(p) not in np.array(model.spec["quantiles"], np.float32):
                have = ", ".join(f"{q:g}" for q in model.spec["quantiles"])
                raise ConfigError(f"level asks for the quantile {p:g}, and the model has {have}; ask "
                                 "for one of its levels or train it with that one")
    elif len(probabilities) > 1 and model.tensors["residual.probabilities"].size == 0:
        raise ConfigError("the model was trained on a point loss without enough validation errors, so "
                         "it has no intervals; set level = [], or train it with a larger data.valid "
                         "or training.loss = \"quantile\"")
    return probabilities


def fit_scaling(model: Model, y: ArrayLike, past: ArrayLike | None = None,
                future: ArrayLike | None = None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Offsets and scales [N, channels] of series that the training did not have, fitted on their
    whole history as the engine does; inputs of a graph written with scaling = "inputs".

    y [N, T, M], past [N, T, P], future [N, T + K, F] as the graph takes them; NaN: missing, and
    where a series has not begun."""
    with path_of(model) as file:
        read = read_model(file)
    spec, network = read.spec, read.config["network"]
    kind = network["scaling"]
    if spec["window_scaling"] != "none":
        kind = "none"
    elif kind == "auto":
        kind = "mean" if spec["level"] != "none" or spec["space"] == "log" else "standard"
    parts = [_affine(kind, np.asarray(y, np.float64))]
    history = np.shape(y)[1]
    for values in (past, None if future is None else np.asarray(future)[:, :history]):
        if values is not None:
            # Of encoded ones the graph has the maps, and does not look at these.
            of_inputs = network["covariate_scaling"]
            parts.append(_affine("standard" if of_inputs == "auto" else of_inputs,
                                 np.asarray(values, np.float64)))
    offset, scale = (np.concatenate(both, axis=1) for both in zip(*parts))
    channels = len(read.names["channels"])
    if offset.shape[1] != channels:
        raise ConfigError(f"y, past and future have {offset.shape[1]} columns, and the model has "
                         f"{channels}: {', '.join(read.names['channels'])}")
    return offset, scale


def _affine(kind: str, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """host/data/scaling.cpp, fit(): offset and scale [N, channels] of values [N, T, channels]."""
    N, _, channels = values.shape
    offset, scale = np.zeros((N, channels)), np.ones((N, channels))
    for n in range(N):
        for c in range(channels):
            seen = values[n, :, c]
            seen = seen[~np.isnan(seen)]
            if seen.size == 0 or kind == "none":
                continue
            if kind == "mean":
                scale[n, c] = np.abs(seen).mean() or 1.0
                continue
            if kind == "standard":
                centre, spread = seen.mean(), seen.std()
            else:
                low, centre, high = np.quantile(seen, (0.25, 0.5, 0.75))
                spread = (high - low) / 1.349
            offset[n, c] = centre
            if spread > 1e-6 * abs(centre) and spread > 0:
                scale[n, c] = spread
    return offset, scale
