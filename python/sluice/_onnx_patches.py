"""Steps of a window as patches, several to one input of the LSTM (host/engine/shared/window_rows.hpp,
input_row), in ONNX's operators. A patch of one step is the step."""

from __future__ import annotations

import numpy as np

from ._onnx_graph import Graph


class Patches:
    """Of windows of T steps, of which `begun` [T, N, 1] says whether the series has begun."""

    def __init__(self, g: Graph, begun: str, T: int, patch: int):
        self.g, self.T, self.patch = g, T, patch
        self._step_begun = begun
        self.begun = self.ends(begun)    # [T / patch, N, 1]: a patch has begun where its last step has

    def ends(self, x: str) -> str:
        """Of [T, N, ...] the last step of each patch."""
        if self.patch == 1:
            return x
        return self.g.op("Gather", x, np.arange(self.patch - 1, self.T, self.patch), axis=0)

    def as_at_ends(self, x: str) -> str:
        """x [T, N, ...] at every step as at the last one of its patch."""
        if self.patch == 1:
            return x
        steps = np.arange(self.T)
        return self.g.op("Gather", x, steps - steps % self.patch + self.patch - 1, axis=0)

    def at_each(self, x: str) -> str:
        """x [N, F] at each of the patches."""
        return self.g.op("Tile", self.g.unsqueeze(x, 0),
                         np.array([self.T // self.patch, 1, 1], np.int64))

    def of_steps(self, x: str) -> str:
        """[T / patch, N, F, patch] of [T, N, F]: a feature after the other."""
        return self.g.transpose(self._apart(x), 0, 2, 3, 1)

    def step_by_step(self, x: str) -> str:
        """[T / patch, N, patch F] of [T, N, F]: a step after the other."""
        return self.g.reshape(self.g.transpose(self._apart(x), 0, 2, 1, 3), 0, 0, -1)

    def _apart(self, x: str) -> str:
        """[T / patch, patch, N, F], zeros at steps before the series' start."""
        g = self.g
        shape = g.op("Concat", np.array([self.T // self.patch, self.patch], np.int64),
                     g.slice(g.op("Shape", x), 1), axis=0)
        return g.op("Reshape", g.op("Where", self._step_begun, x, 0.0), shape)
