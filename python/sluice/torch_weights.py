"""The LSTM of a model as torch.nn.LSTM, and back. PyTorch is imported when a module is asked for.

The gates have PyTorch's order already (docs/model-file.md), so that weights go over as they are.
What makes the LSTM's inputs, and the head behind it, are the engine's.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._model_file import Model, ModelFile, path_of, read_model, write_model
from .errors import ConfigError

if TYPE_CHECKING:
    import torch


def lstm_state_dict(model: Model, member: int = 0) -> dict[str, NDArray[np.float32]]:
    """The weights of one seed's LSTM under torch.nn.LSTM's names, as float32 arrays of their own:
    weight_ih_l{k} [4H, C], weight_hh_l{k} [4H, H], bias_ih_l{k} and bias_hh_l{k} [4H].

    model   the path of a model's file, or an object with save(path)
    member  which of the seeds, from 0; raises ConfigError if there is none
    """
    with path_of(model) as file:
        read = read_model(file)
    _check_member(read, member)
    return {name[len("lstm."):]: tensor.copy() for name, tensor in read.member(member).items()
            if name.startswith("lstm.")}


def to_torch_lstm(model: Model, member: int = 0) -> torch.nn.LSTM:
    """A torch.nn.LSTM with the weights of one seed, on the CPU. It takes x [T, N, C], time first,
    and has no dropout, as a forecast has none. Raises ImportError without PyTorch."""
    import torch

    weights = lstm_state_dict(model, member)
    layers = sum(name.startswith("weight_ih") for name in weights)
    hidden, inputs = weights["weight_hh_l0"].shape[1], weights["weight_ih_l0"].shape[1]
    lstm = torch.nn.LSTM(inputs, hidden, layers)
    lstm.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    return lstm


def from_torch_lstm(lstm: torch.nn.LSTM | Mapping[str, Any], model: Model, path: str | os.PathLike[str],
                    member: int = 0) -> None:
    """Writes `model` to `path` with the LSTM of one seed replaced; all else stays as it was.

    lstm    a torch.nn.LSTM, or a state dict of arrays or tensors as lstm_state_dict() gives it
    Raises ConfigError naming the weight if it has another shape, is missing or is not finite.
    """
    weights = dict(lstm) if isinstance(lstm, Mapping) else lstm.state_dict()
    with path_of(model) as file:
        read = read_model(file)
    _check_member(read, member)
    own = {name: tensor for name, tensor in read.member(member).items()
           if name.startswith("lstm.")}
    strangers = sorted(set(weights) - {name[len("lstm."):] for name in own})
    if strangers:
        raise ConfigError(f"the LSTM has {', '.join(strangers)}, which the model has not; it must be "
                         f"one of {len(own) // 4} layers, with bias, in one direction and without "
                         "projection")
    tensors = dict(read.tensors)
    for name, before in own.items():
        short = name[len("lstm."):]
        if short not in weights:
            raise ConfigError(f"the LSTM has no {short}; give all of its weights (state_dict())")
        array = _array(weights[short])
        if array.shape != before.shape:
            raise ConfigError(f"{short} has the shape {array.shape}, and the model's {before.shape}")
        if not np.isfinite(array).all():
            raise ConfigError(f"{short} has numbers that are not finite")
        tensors[f"member{member}.{name}" if member else name] = array
    write_model(path, dataclasses.replace(read, tensors=tensors))


def _check_member(model: ModelFile, member: int) -> None:
    if not 0 <= member < model.member_count:
        raise ConfigError(f"member = {member}, and the model has {model.member_count} (training.seeds), "
                         "counted from 0")


def _array(weight: Any) -> NDArray[np.float32]:
    if hasattr(weight, "detach"):
        weight = weight.detach().cpu().numpy()
    return np.asarray(weight, np.float32)
