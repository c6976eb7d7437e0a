#!/usr/bin/env python3
"""M4 Hourly with neuralforecast's LSTM by its defaults, and the same job in Sluice, one after the other.

Both get the official training part, forecast the official 48 steps, and are scored by the competition's sMAPE and MASE
(season 24) with the same code, beside seasonal naive. Training time is what each reports for itself (Sluice: both phases).

    benchmarks/peers/neuralforecast_m4.py m4_hourly_dataset.tsf            (Monash's file; .zst is read through zstd)

neuralforecast lives in an environment of its own, build/peers, made only by --install (a download of some GB); --python
names another interpreter that has it. About five minutes on two cores.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEERS = ROOT / "build" / "peers"
HORIZON = 48
SEASON = 24


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="m4_hourly_dataset.tsf, plain or .zst")
    parser.add_argument("--install", action="store_true", help="make build/peers with neuralforecast from PyPI first")
    parser.add_argument("--python", default=str(PEERS / "bin" / "python"), help="interpreter that has neuralforecast")
    parser.add_argument("--sluice", default=str(ROOT / "build" / "release" / "sluice"))
    parser.add_argument("--config", default=str(ROOT / "configs" / "hourly.toml"))
    parser.add_argument("--json", help="write the result to this file")
    return parser.parse_args()


def go_to_interpreter(arguments):
    """Replaces this process by the interpreter that has neuralforecast, unless this one has it."""
    try:
        import neuralforecast  # noqa: F401
    except ImportError:
        if not pathlib.Path(arguments.python).exists() or os.environ.get("SLUICE_PEER") == "1":
            sys.exit(f"neuralforecast_m4.py: {arguments.python} has no neuralforecast; run with --install, "
                     "or name an interpreter by --python")
        os.environ["SLUICE_PEER"] = "1"
        os.execv(arguments.python, [arguments.python, *sys.argv])


def read_tsf(path):
    if path.endswith(".zst"):
        raw = subprocess.run(["zstd", "-dc", path], check=True, capture_output=True).stdout
    else:
        raw = pathlib.Path(path).read_bytes()
    lines = raw.decode("utf-8", errors="replace").splitlines()
    rows = lines[lines.index("@data") + 1:]
    series = {}
    for row in rows:
        if row:
            name, _, values = row.split(":", 2)
            series[name] = [float(v) for v in values.split(",")]
    return series


def score(series, forecasts):
    smape, mase = [], []
    for name, values in series.items():
        history, actual = values[:-HORIZON], values[-HORIZON:]
        scale = sum(abs(a - b) for a, b in zip(history[SEASON:], history)) / (len(history) - SEASON)
        errors = [abs(a - f) for a, f in zip(actual, forecasts[name])]
        smape.append(sum(200 * e / (abs(a) + abs(f)) for e, a, f in zip(errors, actual, forecasts[name])) / HORIZON)
        mase.append(sum(errors) / HORIZON / scale)
    return sum(smape) / len(smape), sum(mase) / len(mase)


def run_neuralforecast(series):
    import logging

    import pandas
    from neuralforecast import NeuralForecast
    from neuralforecast.models import LSTM

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    rows = [(name, t, y) for name, values in series.items() for t, y in enumerate(values[:-HORIZON])]
    frame = pandas.DataFrame(rows, columns=["unique_id", "ds", "y"])
    with tempfile.TemporaryDirectory() as scratch:
        model = LSTM(h=HORIZON, enable_progress_bar=False, logger=False, default_root_dir=scratch)
        forecaster = NeuralForecast(models=[model], freq=1)
        start = time.perf_counter()
        forecaster.fit(frame)
        seconds = time.perf_counter() - start
        result = forecaster.predict().reset_index()
    return {name: list(part["LSTM"]) for name, part in result.groupby("unique_id")}, seconds


def run_sluice(arguments, series):
    with tempfile.TemporaryDirectory() as scratch:
        places = ["--path.data", arguments.data, "--path.model", f"{scratch}/model.safetensors",
                  "--path.log", f"{scratch}/log.jsonl", "--path.report", f"{scratch}/report.json",
                  "--mode.figures", "false"]
        command = [arguments.sluice, "train", arguments.config, *places, "--mode.log_screen", "false"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        # The forecast of the official test part: from the first of its steps, for every series.
        report = subprocess.run([arguments.sluice, "evaluate", arguments.config, *places], check=True,
                                capture_output=True, text=True).stdout
        with open(f"{scratch}/report.json", encoding="utf-8") as file:
            full = json.load(file)
    sluice = full["methods"][0]
    return sluice, full, report


def main():
    arguments = parse_arguments()
    if arguments.install:
        if not PEERS.exists():
            subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
        subprocess.run([str(PEERS / "bin" / "pip"), "install", "--disable-pip-version-check", "neuralforecast"], check=True)
    go_to_interpreter(arguments)
    series = read_tsf(arguments.data)
    sluice, full, text = run_sluice(arguments, series)
    naive = {name: (values[-HORIZON - SEASON:-HORIZON] * 2) for name, values in series.items()}
    forecasts, seconds = run_neuralforecast(series)
    import neuralforecast

    peer = score(series, forecasts)
    base = score(series, naive)
    trained = full.get("train_seconds")
    rows = [("seasonal naive", None, *base),
            (f"neuralforecast {neuralforecast.__version__} LSTM", seconds, *peer),
            ("sluice configs/hourly.toml", trained, sluice["total"]["smape"], sluice["total"]["mase"])]
    print(f"{'M4 Hourly, 48 steps':38} {'training s':>10} {'sMAPE':>8} {'MASE':>7}")
    for name, duration, smape, mase in rows:
        print(f"{name:38} {'' if duration is None else f'{duration:.1f}':>10} {smape:8.3f} {mase:7.3f}")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump([{"name": n, "train_seconds": d, "smape": s, "mase": m} for n, d, s, m in rows], file, indent=1)


if __name__ == "__main__":
    main()
