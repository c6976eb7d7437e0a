"""Weights of a model's LSTM in PyTorch's names, and back into a model that the program reads."""
import unittest

try:
    import numpy as np
except ImportError as missing:
    raise unittest.SkipTest(f"{missing}; pip install -r python/requirements-onnx.txt") from missing
try:
    import torch
except ImportError:
    torch = None

from package import ROOT  # noqa: F401 (makes sluice importable)
from program import Program
from sluice._model_file import read_model
from sluice.torch_weights import from_torch_lstm, lstm_state_dict, to_torch_lstm

MODEL = "runs/model.safetensors"


class Weights(Program):
    def setUp(self):
        super().setUp()
        self.daily("sales.csv", 80, value=lambda day: 10 + day % 7 + day % 3)
        self.train("sales.csv", "--network.layers", "2", "--training.seeds", "2",
                   "--network.time_step", "14", "--network.predict_day", "3")
        self.model = self.folder / MODEL

    def forecast(self, model):
        self.ok("forecast", model, "sales.csv", "--path.forecast", "f.csv")
        return self.read("f.csv")

    def test_every_weight_has_the_name_and_shape_of_torch_nn_lstm(self):
        inputs = read_model(self.model).tensors["lstm.weight_ih_l0"].shape[1]
        weights = lstm_state_dict(self.model, member=1)
        self.assertEqual({name: array.shape for name, array in weights.items()},
                         {"weight_ih_l0": (16, inputs), "weight_hh_l0": (16, 4), "bias_ih_l0": (16,),
                          "bias_hh_l0": (16,), "weight_ih_l1": (16, 4), "weight_hh_l1": (16, 4),
                          "bias_ih_l1": (16,), "bias_hh_l1": (16,)})
        own = read_model(self.model).tensors["member1.lstm.weight_hh_l1"]
        np.testing.assert_array_equal(weights["weight_hh_l1"], own)

    def test_there_and_back_is_the_same_model(self):
        for member in (0, 1):
            from_torch_lstm(lstm_state_dict(self.model, member), self.model, self.folder / "b.st", member)
        self.assertEqual(self.forecast("b.st"), self.forecast(MODEL))

    def test_the_program_forecasts_with_the_weights_that_came_back(self):
        weights = lstm_state_dict(self.model, member=1)
        from_torch_lstm({name: array + 0.5 for name, array in weights.items()}, self.model,
                        self.folder / "b.st", member=1)
        changed = lstm_state_dict(self.folder / "b.st", member=1)
        np.testing.assert_array_equal(changed["bias_ih_l1"], weights["bias_ih_l1"] + 0.5)
        np.testing.assert_array_equal(lstm_state_dict(self.folder / "b.st")["bias_ih_l1"],
                                      lstm_state_dict(self.model)["bias_ih_l1"])
        self.assertNotEqual(self.forecast("b.st"), self.forecast(MODEL))

    def test_weights_that_do_not_fit_are_named(self):
        weights = lstm_state_dict(self.model)
        wrong = {
            "weight_hh_l1 has the shape (3, 3), and the model's (16, 4)": {"weight_hh_l1": np.ones((3, 3))},
            "bias_ih_l0 has numbers that are not finite": {"bias_ih_l0": np.full(16, np.nan)},
            "the LSTM has weight_ih_l2, which the model has not": {"weight_ih_l2": np.ones((16, 4))}}
        for text, change in wrong.items():
            with self.assertRaises(ValueError) as raised:
                from_torch_lstm({**weights, **change}, self.model, self.folder / "b.st")
            self.assertIn(text, str(raised.exception))
        del weights["bias_hh_l0"]
        with self.assertRaisesRegex(ValueError, "the LSTM has no bias_hh_l0"):
            from_torch_lstm(weights, self.model, self.folder / "b.st")
        with self.assertRaisesRegex(ValueError, r"member = 2, and the model has 2 \(training.seeds\)"):
            lstm_state_dict(self.model, member=2)
        self.assertFalse((self.folder / "b.st").exists())

    @unittest.skipIf(torch is None, "no PyTorch here")
    def test_torch_walks_a_sequence_by_the_cells_formulas(self):
        lstm, weights = to_torch_lstm(self.model), lstm_state_dict(self.model)
        x = np.random.default_rng(0).normal(size=(7, 3, weights["weight_ih_l0"].shape[1]))
        with torch.no_grad():
            found = lstm(torch.tensor(x, dtype=torch.float32))[0].numpy()
        for layer in range(2):
            W, R = weights[f"weight_ih_l{layer}"], weights[f"weight_hh_l{layer}"]
            b, h, c, out = weights[f"bias_ih_l{layer}"], np.zeros((3, 4)), np.zeros((3, 4)), []
            for x_t in x:
                i, f, g, o = np.split(x_t @ W.T + h @ R.T + b, 4, axis=1)
                c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
                h = sigmoid(o) * np.tanh(c)
                out.append(h)
            x = np.array(out)
        np.testing.assert_allclose(found, x, atol=1e-5)
        from_torch_lstm(lstm, self.model, self.folder / "b.st")
        self.assertEqual(self.forecast("b.st"), self.forecast(MODEL))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


if __name__ == "__main__":
    unittest.main()
