"""Forecasts on disk, so that only what changed is computed again."""

from __future__ import annotations

import hashlib
import json
import pathlib

import numpy as np

from panel import Floats


class Cache:
    """A file for each set, method, version and panel."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def _path(self, *key: object) -> pathlib.Path:
        return self.folder / f"{hashlib.sha256(repr(key).encode()).hexdigest()[:24]}.npz"

    def get(self, *key: object) -> tuple[Floats, dict[str, object]] | None:
        path = self._path(*key)
        if not path.exists():
            return None
        with np.load(path) as read:
            facts: dict[str, object] = json.loads(str(read["facts"]))
            return np.asarray(read["forecasts"], dtype=np.float64), facts

    def put(self, forecasts: Floats, facts: dict[str, object], *key: object) -> None:
        path = self._path(*key)
        unfinished = path.with_suffix(".tmp.npz")
        np.savez_compressed(unfinished, forecasts=forecasts, facts=json.dumps(facts))
        unfinished.replace(path)
