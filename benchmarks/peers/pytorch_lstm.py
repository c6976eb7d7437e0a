#!/usr/bin/env python3
"""Compares Sluice's CPU recurrence with PyTorch's nn.LSTM: the same shapes, in one call, in turns.

Each round runs `sluice-bench cpu` and then PyTorch on the shapes that sluice-bench reports, so that
both meet the same machine. Forward is inference; training is forward and backward (Sluice's includes
taking in new weights; PyTorch is not asked for the gradient of x, Sluice computes it). PyTorch's CPU
LSTM calls oneDNN, as Sluice's `onednn` recurrence does. Each has the OpenMP waiting that suits it:
Sluice's threads sleep (OMP_WAIT_POLICY=passive), PyTorch's do as they do by default, unless the
variable is set.

PyTorch lives in an environment of its own, build/peers, made only by --install (a download of some
GB); --python names another interpreter that has torch. About a minute a round on two cores.
"""

import argparse
import datetime
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEERS = ROOT / "build" / "peers"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--install", action="store_true", help="make build/peers with torch from PyPI first")
    parser.add_argument("--python", default=str(PEERS / "bin" / "python"), help="interpreter that has torch")
    parser.add_argument("--bench", default=str(ROOT / "build" / "release" / "sluice-bench"))
    parser.add_argument("--rounds", type=int, default=5, help="turns of Sluice and PyTorch (default 5)")
    parser.add_argument("--repeat", type=int, default=3, help="samples of a case in each turn (default 3)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--filter", default="recurrence/", help="only cases whose name contains this")
    parser.add_argument("--json", help="write every sample to this file")
    return parser.parse_args()


def fail(message):
    print(f"pytorch_lstm.py: {message}", file=sys.stderr)
    sys.exit(1)


def install():
    if not PEERS.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
    pip = [str(PEERS / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "torch", "numpy"]
    subprocess.run(pip, check=True)


def go_to_interpreter_with_torch(arguments):
    """Replaces this process by the interpreter that has torch, unless this one has it."""
    try:
        import torch  # noqa: F401
    except ImportError:
        if not pathlib.Path(arguments.python).exists():
            fail(f"{arguments.python} is not there; run with --install, or name an interpreter by --python")
        if os.environ.get("SLUICE_PEER") == arguments.python:
            fail(f"{arguments.python} has no torch; run with --install, or name another by --python")
        os.environ["SLUICE_PEER"] = arguments.python
        rest = [word for word in sys.argv[1:] if word != "--install"]
        os.execv(arguments.python, [arguments.python, str(pathlib.Path(__file__).resolve()), *rest])


def run_sluice(arguments):
    """One turn of sluice-bench: its whole JSON document."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "cpu.json"
        command = [arguments.bench, "cpu", "--filter", arguments.filter, "--repeat", str(arguments.repeat),
                   "--threads", str(arguments.threads), "--json", str(file)]
        environment = {"OMP_WAIT_POLICY": "passive", **os.environ}
        done = subprocess.run(command, stdout=subprocess.DEVNULL, env=environment)
        if done.returncode != 0:
            fail(f"'{' '.join(command)}' returned {done.returncode}")
        return json.loads(file.read_text())


class TorchCase:
    """nn.LSTM on one shape; `run` is what is timed."""

    def __init__(self, shape, training):
        import torch
        torch.manual_seed(1)
        self.torch = torch
        self.training = training
        self.lstm = torch.nn.LSTM(shape["I"], shape["H"], shape["L"])
        self.x = torch.randn(shape["T"], shape["B"], shape["I"])
        self.dh = torch.randn(shape["T"], shape["B"], shape["H"])

    def run(self):
        if not self.training:
            with self.torch.inference_mode():
                self.lstm(self.x)
            return
        self.lstm.zero_grad(set_to_none=True)
        h, _ = self.lstm(self.x)
        h.backward(self.dh)


def seconds_of(case, times):
    begin = time.perf_counter()
    for _ in range(times):
        case.run()
    return (time.perf_counter() - begin) / times


def run_torch(sluice_results, sample_seconds, repeat):
    """One turn of PyTorch: {name: [seconds]}, its samples interleaved across cases as Sluice's are."""
    cases = {}
    for result in sluice_results:
        case = TorchCase(result["parameters"], "/train/" in result["name"])
        seconds_of(case, 1)
        cases[result["name"]] = (case, max(1, math.ceil(sample_seconds / seconds_of(case, 2))))
    samples = {name: [] for name in cases}
    for _ in range(repeat):
        for name, (case, times) in cases.items():
            samples[name].append(seconds_of(case, times))
    return samples


def print_table(results):
    print(f"{'case (B,T,I,H,L)':<42}{'Sluice':>8}{'PyTorch':>9}{'ratio':>7} lowest..highest")
    for name, result in results.items():
        sluice = [result["work"] / statistics.median(turn) for turn in result["sluice_seconds"]]
        torch = [result["work"] / statistics.median(turn) for turn in result["torch_seconds"]]
        ratios = [a / b for a, b in zip(sluice, torch)]
        print(f"{name:<42}{statistics.median(sluice):>8.1f}{statistics.median(torch):>9.1f}"
              f"{statistics.median(ratios):>7.2f} {min(ratios):.2f}..{max(ratios):.2f}")


def main():
    arguments = parse_arguments()
    if arguments.install:
        install()
    go_to_interpreter_with_torch(arguments)
    if not pathlib.Path(arguments.bench).exists():
        fail(f"{arguments.bench} is not there; build it: cmake --build build/release --target sluice-bench")
    import torch
    torch.set_num_threads(arguments.threads)

    results = {}
    load_before = os.getloadavg()
    for turn in range(arguments.rounds):
        print(f"round {turn + 1} of {arguments.rounds}", file=sys.stderr)
        document = run_sluice(arguments)
        torch_samples = run_torch(document["results"], document["settings"]["sample_seconds"], arguments.repeat)
        for result in document["results"]:
            entry = results.setdefault(result["name"], {
                "parameters": result["parameters"], "unit": result["unit"], "work": result["work"],
                "items": result["items"], "sluice_seconds": [], "torch_seconds": []})
            entry["sluice_seconds"].append(result["seconds"])
            entry["torch_seconds"].append(torch_samples[result["name"]])
    print_table(results)
    if arguments.json:
        machine = {**document["machine"], "torch": torch.__version__, "torch_threads": torch.get_num_threads(),
                   "torch_mkldnn": torch.backends.mkldnn.is_available(), "date": datetime.date.today().isoformat(),
                   "load_before": load_before, "load_after": os.getloadavg()}
        text = json.dumps({"machine": machine, "results": results}, indent=1)
        pathlib.Path(arguments.json).write_text(text + "\n")


if __name__ == "__main__":
    main()
