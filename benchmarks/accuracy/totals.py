"""Totals over the horizon by two ways of decoding, on the sets of the comparison that have one origin.

  VENV/bin/python benchmarks/accuracy/totals.py --sluice build/release/sluice --data DATA tourism_monthly=gaussian ...

Each set is trained twice with the same loss and flags: steps all at once, whose totals are drawn by a Gaussian copula
(network.decoding = "direct"), and step by step ("recursive"); with --variant NAME='FLAGS', as often as there are such,
by these flags instead. Prints a line of Markdown for each: wQL (10, 50 and 90 %)
and the share inside the 80 % interval, of totals over the horizon and of its steps, and processor seconds of training and
of the forecast. VENV: what benchmarks/accuracy/run makes in --env.
"""

import argparse
import pathlib
import tempfile

import numpy as np
import pandas as pd

import metrics
import program
import sets
from panel import Floats, Panel
from problem import Problem, Source

COLUMNS = ["sluice-lo-80", "sluice-median", "sluice-hi-80"]


def scored(truth: Floats, quantiles: Floats) -> tuple[float, float]:
    """wQL and coverage of quantiles [..., 3]."""
    there = np.isfinite(truth)
    losses = [np.sum(np.maximum(p * (truth - q), (p - 1) * (truth - q))[there])
              for p, q in zip((0.1, 0.5, 0.9), np.moveaxis(quantiles, -1, 0))]
    inside = (quantiles[..., 0] <= truth) & (truth <= quantiles[..., 2])
    return 2 * float(np.sum(losses)) / 3 / float(np.sum(np.abs(truth[there]))), float(inside[there].mean())


def measured(sluice: pathlib.Path, problem: Problem, panel: Panel, flags: list[str], seed: int) -> list[str]:
    """The cells of a line."""
    horizon = panel.split.horizon
    common = ["--quiet", "--mode.log_file", "false", "--engine.threads", "1"]
    with tempfile.TemporaryDirectory() as folder:
        panel.history(0).to_parquet(f"{folder}/data.parquet", index=False)
        train = program.run([str(sluice), "train", "data.parquet", "--horizon", str(horizon), *program.data_flags(problem), *flags,
                             "--data.test", "0", "--training.seed", str(seed), "--path.model", "model.safetensors", *common], folder)
        made = program.run([str(sluice), "forecast", "model.safetensors", "data.parquet", "--forecast.ended", "true",
                            "--forecast.levels", "80", "--forecast.sums", str(horizon), "--path.sums", "sums.parquet",
                            "--path.forecast", "forecast.parquet", *common], folder)
        steps = pd.read_parquet(f"{folder}/forecast.parquet").astype({"unique_id": str})
        sums = pd.read_parquet(f"{folder}/sums.parquet").astype({"unique_id": str}).set_index("unique_id")
    for frame in (steps, sums):
        if "sluice-median" not in frame:  # a loss without a mean: the forecast is the median
            frame["sluice-median"] = frame["sluice"]
    truth = panel.truth(0)
    of_steps = panel.placed(0, steps, COLUMNS)
    of_sums = sums.reindex(panel.ids)[COLUMNS].to_numpy(dtype=np.float64)
    total = np.where(np.isfinite(truth).all(axis=1), truth.sum(axis=1), np.nan)
    whole = np.isfinite(of_sums).all(axis=1)
    scale = [metrics.mase_scale(h, problem.season) for h in panel.histories(0)]
    mase = metrics.mean(metrics.rows_mean(np.abs(of_steps[..., 1] - truth)) / np.array(scale))
    cells = [*scored(total[whole], of_sums[whole]), *scored(truth[whole], of_steps[whole]), mase]
    return [f"{cell:.4f}" if i % 2 == 0 else f"{cell:.2f}" for i, cell in enumerate(cells)] + [f"{train:.0f}", f"{made:.1f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", metavar="SET=LOSS")
    parser.add_argument("--sluice", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--flags", default="", help="of all trainings")
    parser.add_argument("--variant", action="append", metavar="NAME=FLAGS")
    options = parser.parse_args()
    sluice = options.sluice.resolve()
    variants = options.variant or [f"{name}=--network.decoding {name}" for name in ("direct", "recursive")]
    print("| set | loss | variant | wQL of the total | 80 % of the total | wQL of steps | 80 % of steps | MASE | training, s | forecast, s |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for asked in options.sets:
        name, loss = asked.split("=")
        problem = next(one for one in sets.ALL if one.name == name)
        panel = Panel(problem.read(Source(options.data, sluice)), problem.split)
        for variant in variants:
            label, flags = variant.split("=", 1)
            cells = measured(sluice, problem, panel, ["--training.loss", loss, *options.flags.split(), *flags.split()], options.seed)
            print(f"| {name} | {loss} | {label} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
