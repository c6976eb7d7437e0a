"""Constants of the model out of what `sluice-bench gpu --jsonl` measured."""

import json
import math
import statistics

from . import model


class FitError(Exception):
    pass


def lines_of(file):
    """The file's objects; a last line that was cut is left out."""
    try:
        texts = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise FitError(f"{file} cannot be read: {error}; give a file of `sluice-bench gpu --jsonl`") from None
    out = []
    for number, text in enumerate(texts, 1):
        try:
            out.append(json.loads(text))
        except json.JSONDecodeError as error:
            if number < len(texts):
                raise FitError(f"{file}:{number}: no JSON: {error.msg}") from None
    return out


def seconds_of(line):
    """The better median of the two ways of timing, or None."""
    medians = [statistics.median(line[key]) for key in ("stream_seconds", "graph_seconds") if line.get(key)]
    return min(medians) if medians else None


def rates_of(lines):
    """{name: work a second}."""
    return {line["name"]: line["work"] / seconds for line in lines if line.get("kind") == "rate"
            and not line.get("failed") and (seconds := seconds_of(line))}


# What the model predicts of a benchmark's case: method and phase.
CASES = {("fused_mma.noh", "forward"): "inference", ("fused_mma", "train"): "training"}


def measured_of(lines):
    """{"inference bf16 32768,24,15,128,1": seconds of a series and step} of the cases that the model knows."""
    found = {}
    for line in lines:
        if line.get("kind") != "case" or line.get("section") != "recurrence" or line.get("failed"):
            continue
        scenario, seconds = CASES.get((line["method"], line["phase"])), seconds_of(line)
        if scenario and seconds:
            p = line["parameters"]
            name = f"{scenario} {line['type']} {p['B']},{p['T']},{p['I']},{p['H']},{p['L']}"
            found[name] = seconds / (p["B"] * p["T"] * p["L"])
    return found


def error_of(c, rows, layout, host, measured, device):
    """Mean square of log(predicted / measured) of inference and the cast of x before it, or None where nothing can be
    compared."""
    errors = []
    for name, seconds in measured.items():
        scenario, precision, shape = name.split()
        B, T, _, H, L = map(int, shape.split(","))
        row = rows.get(("forward", precision, H, "inference"))
        if scenario == "inference" and L == 1 and row is not None:
            predicted = (model.inference(row, layout, host, B, c, device, T).seconds
                         + model.cast_seconds(row, layout, B, c, device, T))
            errors.append(math.log(predicted / seconds) ** 2)
    return statistics.mean(errors) if errors else None


def fit(file, c, rows, layout, host):
    """New constants. `rows`: {(kind, precision, H, scenario): Row}; `host`: of model.read_sources(). Rates give the
    constants of the hardware; issue_share and latency_cycles are those that predict the measured inference best."""
    lines = lines_of(file)
    machine = next((line for line in lines if line.get("kind") == "machine"), None)
    if machine is None or "device" not in machine:
        raise FitError(f"{file}: no line of kind \"machine\": not a file of `sluice-bench gpu --jsonl`")
    rates, device = rates_of(lines), machine["device"]
    needed = ("mma.sync bf16", "mma.sync tf32", "tanh.approx", "device copy", "empty kernel")
    if missing := [name for name in needed if name not in rates]:
        raise FitError(f"{file}: no measured rate of {', '.join(missing)}; run `sluice-bench gpu --plan rates --jsonl FILE`")
    clock = (machine["highest_clocks"]["multiprocessor_mhz"] or 0) * 1e6
    if clock <= 0:
        raise FitError(f"{file}: the machine's line has no clock")
    sms = machine["multiprocessors"]
    out = {**c, "origin": f"measured on {device}, {machine['date']}", "devices": {device: rates["device copy"]},
           "memory_share": 1.0, "multiprocessors": sms, "clock": clock,
           "matrix_cycles": {precision: sms * clock * flops / rates["mma.sync " + precision]
                             for precision, flops in model.MATRIX_FLOPS.items()},
           "special_cycles": sms * model.SCHEDULERS * 32 * clock / rates["tanh.approx"],
           "launch_seconds": 1 / rates["empty kernel"], "measured": measured_of(lines)}
    best = None
    for share in range(20, 101, 2):
        for latency in range(0, 2001, 20):
            tried = {**out, "issue_share": share / 100, "latency_cycles": latency}
            error = error_of(tried, rows, layout, host, out["measured"], device)
            if error is None:
                return {**out, "origin": out["origin"] + " (rates; issue_share and latency_cycles assumed)"}
            if best is None or error < best[0]:
                best = error, tried
    return best[1]
