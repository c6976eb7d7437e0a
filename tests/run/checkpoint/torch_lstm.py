"""Loads a model's LSTM into torch.nn.LSTM and compares it with the cell's formulas.

usage: torch_lstm.py MODEL INPUTS HIDDEN LAYERS
"""
import sys

import torch
from safetensors.torch import load_file

path, inputs, hidden, layers = sys.argv[1], *map(int, sys.argv[2:])
tensors = load_file(path)
weights = {name[len("lstm."):]: t for name, t in tensors.items() if name.startswith("lstm.")}
lstm = torch.nn.LSTM(inputs, hidden, layers)
lstm.load_state_dict(weights, strict=True)

torch.manual_seed(0)
x = torch.randn(7, 3, inputs)
expected, _ = lstm(x)
for layer in range(layers):
    W, R = weights[f"weight_ih_l{layer}"], weights[f"weight_hh_l{layer}"]
    b = weights[f"bias_ih_l{layer}"] + weights[f"bias_hh_l{layer}"]
    h = c = torch.zeros(3, hidden)
    out = []
    for x_t in x:
        i, f, g, o = (x_t @ W.T + h @ R.T + b).split(hidden, dim=1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        out.append(h)
    x = torch.stack(out)
difference = (x - expected).abs().max().item()
# A few hundred float roundings of values below 1.
sys.exit(0 if difference < 1e-5 else f"torch.nn.LSTM and the formulas differ by {difference}")
