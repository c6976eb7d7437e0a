"""ONNX graphs forecast as the program does: every branch of what it does to a window.

With Python's unittest or pytest; SLUICE_PROGRAM is the built program.
"""
import datetime
import json
import unittest

try:
    import onnx
    import onnxruntime  # noqa: F401
except ImportError as missing:
    raise unittest.SkipTest(f"{missing}; pip install -r python/requirements-onnx.txt") from missing

import numpy as np
from onnx_case import OnnxCase, Shops, grid_of_days, session
from sluice.model_file import ModelFileError, read_model, write_model
from sluice.onnx import fit_scaling, to_onnx

HORIZON = 5
SMALL = ("--training.steps", "30", "--network.hidden_size", "6", "--network.head_hidden", "0",
         "--network.time_step", "14", "--network.predict_day", str(HORIZON), "--data.valid", "0",
         "--engine.threads", "1", "--training.min_history", "2")
PLAIN = {"space": "linear", "level": "none", "base": "none", "lags": "", "context": "0",
         "seasonal_context": "0", "forking": "true", "level_input": "false",
         "level_change": "false", "calendar": "false"}
RICH = ("--data.past", "guests", "--data.future", "price,promo", "--data.static_reals", "area",
        "--data.static_categories", "kind", "--data.past_categories", "sky",
        "--data.future_categories", "day")


class Grid(OnnxCase):
    """Settings that are each a branch of the engine, one at a time and together."""

    def check(self, network, *more, shops=None, rich=(), targets=("y",), words=True, **options):
        shops = shops or Shops(grid_of_days(60 + HORIZON), HORIZON)
        shops.write(self.folder)
        network = {**PLAIN, **network}
        flags = [x for key, value in network.items() for x in (f"--network.{key}", value)]
        small = [x for x in SMALL]
        for key in network:  # a flag is given once
            if f"--network.{key}" in small:
                at = small.index(f"--network.{key}")
                del small[at:at + 2]
        small = [x for x in small if x != "--training.min_history" and x != "2"]
        columns = ["--data.end", "common", "--data.id", "id", "--data.time", "ds", "--data.targets", ",".join(targets), *rich]
        if "--data.future" in rich:
            columns += ["--path.future", "ahead.csv"]
        self.ok("train", "shops.csv", *columns, *small, *flags, *more)
        inputs = shops.inputs(len(targets), words=True)
        if not words:
            to_onnx(self.folder / "runs/model.safetensors", self.folder / "codes.onnx")
            described = onnx.load(self.folder / "codes.onnx").metadata_props
            inputs = shops.coded(inputs, json.loads(described[0].value))
        return self.compare(inputs, shops.ids, "runs/model.safetensors", "shops.csv",
                            targets=targets, words=words, **options)

    def test_values_alone(self):
        self.check({"scaling": "standard"})

    def test_a_first_look(self):
        self.check({"space": "log", "level": "mean", "level_window": "9", "lags": "7,10",
                    "context": "4", "seasonal_context": "3", "base": "seasonal", "base_season": "3",
                    "level_input": "true", "level_change": "true", "calendar": "true",
                    "head_hidden": "7", "layers": "2"}, rich=RICH)


if __name__ == "__main__":
    unittest.main()
