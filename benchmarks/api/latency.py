#!/usr/bin/env python3
"""How long a service waits for libsluice: from the start of a process to its first forecast of one
series from a plain array, and then for each further one. Starts sluice-latency again and again.

usage: latency.py SLUICE_LATENCY MODEL.safetensors [--processes 30] [--forecasts 500]

MODEL: of one target and no other inputs. Prints medians, the 10th and the 90th percentile in ms as
JSON; "spawn" is what starting a process that does nothing takes, which all of them pay.
"""
import argparse
import json
import os
import statistics
import subprocess
import time


def percentiles(values):
    tenths = statistics.quantiles(values, n=10)
    return {"p10": round(tenths[0], 4), "median": round(statistics.median(values), 4), "p90": round(tenths[-1], 4)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("model")
    parser.add_argument("--processes", type=int, default=30)
    parser.add_argument("--forecasts", type=int, default=500)
    args = parser.parse_args()
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "1000"}
    runs, spawns = [], []
    for _ in range(args.processes):
        before = time.clock_gettime(time.CLOCK_MONOTONIC)
        subprocess.run(["/bin/true"], check=True)
        spawns.append(1e3 * (time.clock_gettime(time.CLOCK_MONOTONIC) - before))
        environment["SLUICE_LATENCY_START"] = repr(time.clock_gettime(time.CLOCK_MONOTONIC))
        done = subprocess.run([args.program, args.model, str(args.forecasts)], env=environment, check=True,
                              capture_output=True, text=True)
        runs.append(json.loads(done.stdout))
    result = {"processes": args.processes, "forecasts": args.forecasts, "spawn_ms": percentiles(spawns)}
    for key in ("start_to_main_ms", "load_ms", "start_to_first_forecast_ms"):
        result[key] = percentiles([run[key] for run in runs])
    for key in ("median", "p99"):
        result[f"warm_{key}_ms"] = percentiles([run["warm_ms"][key] for run in runs])
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
