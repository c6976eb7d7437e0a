"""Reads and writes the model's file as numpy's arrays, which the library does not give: docs/model-file.md.

What it checks is the format; what a model means is the library's to know.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import os
import pathlib
import re
import struct
import sys
import tempfile
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .errors import DataError

FORMAT = "sluice model"
NEWEST_VERSION = 7
DISTRIBUTION_PARAMETERS = {"gaussian": 2, "student_t": 3, "poisson": 1, "negative_binomial": 2, "tweedie": 2}
"""Losses that are the likelihood of a distribution: the network's outputs of a target and step."""
_LARGEST_HEADER = 1 << 30
_TYPES = {"U8": np.uint8, "I64": np.int64, "F32": np.float32, "F64": np.float64}
_ESCAPE = re.compile(r"\\(\\|n|x[0-9a-f]{2})")


class Saves(Protocol):
    """What can write its model to a file, as a Forecaster can."""

    def save(self, path: str | os.PathLike[str], /) -> Any: ...


Model = str | os.PathLike[str] | Saves
Tensors = dict[str, NDArray[Any]]


class ModelFileError(DataError):
    """A file is no model that can be read; the text says which file, what it is and what to do."""


@dataclasses.dataclass(frozen=True)
class ModelFile:
    """All that a model's file holds. Sizes by their letters: K horizon, M targets, S series."""
    metadata: dict[str, str]
    tensors: Tensors
    spec: dict[str, Any]         # the network with every choice made (include/sluice/model/spec.hpp)
    config: dict[str, Any]       # the settings of the training
    frequency: dict[str, Any]    # unit, multiple, anchor, phase
    names: dict[str, list[str]]        # lists: channels, statics, categories, step_categories
    member_count: int

    def member(self, index: int) -> Tensors:
        """The parameters of one seed, under the names of the first one."""
        prefix = f"member{index}." if index else ""
        wanted = ("lstm.", "hidden.", "linear.", "embedding.", "step_embedding.")
        return {name[len(prefix):]: tensor for name, tensor in self.tensors.items()
                if name.startswith(prefix) and name[len(prefix):].startswith(wanted)}

    def words(self, name: str) -> list[str]:
        """The lines of a tensor of texts: series.ids, vocabulary.0, step_vocabulary.0 ..."""
        lines = self.tensors[name].tobytes().decode().split("\n")
        return [_unescaped(line) for line in lines[:-1]]

    @property
    def series_ids(self) -> list[str]:
        return self.words("series.ids")


def read_model(path: str | os.PathLike[str]) -> ModelFile:
    """Reads a model. Raises ModelFileError if the file is none, is damaged or cannot be opened."""
    metadata, tensors = _read_safetensors(pathlib.Path(path))

    def bad(what: str) -> ModelFileError:
        return ModelFileError(f"{path}: {what}")

    if metadata.get("format") != FORMAT:
        raise bad(f"its format is {metadata.get('format')!r}, not {FORMAT!r}; give the model that "
                  "'sluice train' wrote (path.model)")
    version = metadata.get("format_version", "")
    if not version.isdigit():
        raise bad("it has no format_version; it is damaged")
    if int(version) > NEWEST_VERSION:
        raise bad(f"it is of format {version}, and this package knows up to {NEWEST_VERSION}; "
                  "update the package")
    if "checksum" in metadata and metadata["checksum"] != _checksum(metadata, tensors):
        raise bad("it has not the contents that it was written with; it is damaged: take a copy from "
                  "before, or train it again")
    try:
        spec = json.loads(metadata["spec"])
        names = {key: [_unescaped(name) for name in value]
                 for key, value in json.loads(metadata["names"]).items()}
        names.setdefault("step_categories", [])
        spec.setdefault("step_embeddings", [])
        spec.setdefault("patch", 1)
        model = ModelFile(metadata, tensors, spec, _toml(metadata["config"]),
                          json.loads(metadata["frequency"]), names,
                          json.loads(metadata["training"])["members"])
        _check(model)
    except (KeyError, TypeError, ValueError) as error:
        raise bad(f"it is damaged or not Sluice's ({type(error).__name__}: {error}); train it "
                  "again, or copy it again") from error
    return model


def write_model(path: str | os.PathLike[str], model: ModelFile) -> None:
    """Writes a model that was changed, with the checksum of what it holds now."""
    metadata = {**model.metadata, "checksum": _checksum(model.metadata, model.tensors)}
    header: dict[str, Any] = {"__metadata__": metadata}
    parts, at = [], 0
    types = {np.dtype(kind): name for name, kind in _TYPES.items()}
    for name, tensor in model.tensors.items():
        data = np.ascontiguousarray(tensor).tobytes()
        header[name] = {"dtype": types[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [at, at + len(data)]}
        parts.append(data)
        at += len(data)
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    target = pathlib.Path(path)
    scratch = target.with_name(f"{target.name}.{os.getpid()}.new")
    try:
        scratch.write_bytes(b"".join([struct.pack("<Q", len(text)), text, *parts]))
        os.replace(scratch, target)
    finally:
        scratch.unlink(missing_ok=True)


@contextlib.contextmanager
def path_of(model: Model) -> Iterator[pathlib.Path]:
    """The path of `model`'s file: a path itself, or what an object with save(path) writes."""
    if isinstance(model, (str, os.PathLike)):
        yield pathlib.Path(model)
    elif callable(getattr(model, "save", None)):
        with tempfile.TemporaryDirectory(prefix="sluice_") as folder:
            path = pathlib.Path(folder) / "model.safetensors"
            model.save(path)
            yield path
    else:
        raise TypeError(f"a model is the path of its file, or an object with save(path); this is a "
                        f"{type(model).__name__}")


def _read_safetensors(path: pathlib.Path) -> tuple[dict[str, str], Tensors]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be opened ({error.strerror}); give the model that 'sluice train' "
                             "wrote (path.model)") from error
    size = struct.unpack("<Q", data[:8])[0] if len(data) >= 8 else 0
    if not 2 <= size <= min(len(data) - 8, _LARGEST_HEADER):
        raise ModelFileError(f"{path}: is no safetensors file; give the model that 'sluice train' "
                             "wrote (path.model)")
    begin = 8 + size
    try:
        header = json.loads(data[8:begin])
        metadata = header.pop("__metadata__", {})
        tensors = {name: _tensor(data[begin:], **entry) for name, entry in header.items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"{path}: is no safetensors file that can be read ({error}); train it "
                             "again, or copy it again") from error
    return metadata, tensors


def _tensor(data: bytes, dtype: str, shape: list[int], data_offsets: list[int]) -> NDArray[Any]:
    begin, end = data_offsets
    if not 0 <= begin <= end <= len(data):
        raise ValueError("a tensor lies outside the file")
    return np.frombuffer(data[begin:end], _TYPES[dtype]).reshape(shape)


def _checksum(metadata: dict[str, str], tensors: Tensors) -> str:
    """host/base/checksum.hpp over metadata and tensors, each by their names' order."""
    value = 0xcbf29ce484222325
    types = {np.dtype(kind): name for name, kind in _TYPES.items()}

    def add(data: bytes) -> None:
        nonlocal value
        words = np.frombuffer(data + bytes(8 - len(data) % 8), "<u8").tolist()
        for word in (len(data), *words):
            value = ((value ^ word) * 0x100000001b3) & 0xffffffffffffffff
            value ^= value >> 32

    for name in sorted(metadata.keys() - {"checksum"}, key=str.encode):
        add(name.encode())
        add(metadata[name].encode())
    for name in sorted(tensors, key=str.encode):
        add(name.encode())
        add(types[tensors[name].dtype].encode())
        add(tensors[name].tobytes())
    return f"{value:016x}"


def _check(model: ModelFile) -> None:
    """Raises ValueError naming what does not fit; sizes of parameters are those of the spec."""
    spec, tensors = model.spec, model.tensors
    channels = spec["M"] + spec["past_channels"] + spec["future_channels"]
    if len(model.names["channels"]) != channels:
        raise ValueError("the channels' names and the specification differ")
    series = len(model.series_ids)
    H, M = spec["H"], spec["M"]
    K = 1 if spec.get("decoding") == "recursive" else spec["K"]  # that the head gives at once
    Q = len(spec["quantiles"]) if spec["loss"] == "quantile" else DISTRIBUTION_PARAMETERS.get(spec["loss"], 1)
    shapes = {"scaling.offset": (channels, series), "scaling.scale": (channels, series),
              "level": (2,)}
    for index in range(model.member_count):
        prefix = f"member{index}." if index else ""
        for layer in range(spec["L"]):
            shapes[f"{prefix}lstm.weight_hh_l{layer}"] = (4 * H, H)
            shapes[f"{prefix}lstm.bias_ih_l{layer}"] = (4 * H,)
        shapes[f"{prefix}linear.bias"] = (K * M * Q,)
    for name, shape in shapes.items():
        if tensors[name].shape != shape:
            raise ValueError(f"tensor '{name}' has the shape {tensors[name].shape}, not {shape}")


def _unescaped(text: str) -> str:
    if "\\x" not in text:
        return _ESCAPE.sub(lambda m: "\n" if m[1] == "n" else "\\", text)
    # Bytes that are not UTF-8 stay what they were, as Python's own file names do.
    parts = _ESCAPE.split(text)
    out = b""
    for i, part in enumerate(parts):
        if i % 2 == 0:
            out += part.encode()
        else:
            out += {"n": b"\n", "\\": b"\\"}.get(part) or bytes.fromhex(part[1:])
    return out.decode(errors="surrogateescape")


def _toml(text: str) -> dict[str, Any]:
    toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    parsed: dict[str, Any] = toml.loads(text)
    return parsed
