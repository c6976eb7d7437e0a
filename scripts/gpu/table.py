"""What was measured, from bench.jsonl and pytorch.jsonl, as a table of windows a second."""
import json
import statistics


def read_lines(path, offset=0):
    """The objects of a file of JSON lines from a byte on; half a line, which a cut run can leave, is left out."""
    try:
        with open(path, "rb") as file:
            file.seek(offset)
            data = file.read()
    except OSError:
        return []
    found = []
    for line in data.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            found.append(value)
    return found


def count_cases(lines):
    """{"measured": ..., "refused": ..., "failed": [names], "lost": [names with reasons], "left": ..., "stopped": ...}."""
    cases = [line for line in lines if line.get("kind") in ("case", "rate")]
    ends = [line for line in lines if line.get("kind") == "end"]
    return {
        "measured": sum(not line.get("failed") and not line.get("refused") for line in cases),
        "refused": sum(bool(line.get("refused")) for line in cases),
        "failed": [f"{line.get('name')}: {line['failed']}" for line in cases if line.get("failed")],
        "lost": [f"{line.get('case')}: {line.get('reason')}" for line in lines if line.get("kind") == "lost"],
        "left": ends[-1].get("left", 0) if ends else None,
        "stopped": ends[-1].get("stopped") if ends else None,
    }


def _shape(case):
    return ",".join(str(case["parameters"][letter]) for letter in "BTIHL")


def _class(number):
    return "16 bit" if number in ("bf16", "fp16") else number


def _best(cases):
    """{(shape, phase, class of types): the fastest case}."""
    best = {}
    for case in cases:
        key = (_shape(case), case["phase"], _class(case["type"]))
        if key not in best or case["best_seconds"] < best[key]["best_seconds"]:
            best[key] = case
    return best


def _windows(case):
    return case["parameters"]["B"] / case["best_seconds"]


def _beside(ours, other):
    if other is None:
        return f"{'-':>11}{'':>8}"
    return f"{_windows(other) / 1e6:>11.3f}{other['best_seconds'] / ours['best_seconds']:>8.2f}"


def _fastest(name, cases):
    """Which ones stand in a column, a line each."""
    return [f"    {f'{name} of {kind}':<19}{' '.join(filter(None, (case.get('method'), case['type'])))}" for kind, case in cases.items()]


def _measured(bench):
    """The cases that were measured, the last of each name."""
    return {case["name"]: case for case in bench if case.get("kind") == "case" and case.get("best_seconds")
            and not case.get("failed")}.values()


def _peers(measured, torch):
    """({...} of cuDNN, {...} of PyTorch) as _best()."""
    # A whole engine does more than a recurrence of the same shape.
    return (_best(case for case in measured if case["method"].startswith("cudnn") and case["section"] != "engine"),
            _best(case for case in torch if case.get("kind") == "case" and case.get("best_seconds")))


def recurrence_table(bench, torch):
    """Lines: each of our methods, M windows/s, beside the fastest of cuDNN and of PyTorch in the same type (bf16: or fp16)."""
    measured = _measured(bench)
    cudnn, peers = _peers(measured, torch)
    ours = [case for case in measured if case["section"] == "recurrence" and not case["method"].startswith("cudnn")]
    if not ours:
        return []
    lines = ["Recurrences, M windows/s, by phase and B,T,I,H,L; x: how many times as fast ours",
             "is as their fastest of the same type, for bf16 also fp16, which stands below"]
    blocks = {}
    for case in ours:
        blocks.setdefault((case["phase"], _shape(case)), []).append(case)
    for (phase, shape), cases in blocks.items():
        lines += ["", f"{phase + ' ' + shape:<32}{'ours':>10}{'cuDNN':>11}{'x':>8}{'PyTorch':>11}{'x':>8}"]
        by = {"cuDNN": {}, "PyTorch": {}}
        for case in cases:
            kind = _class(case["type"])
            key = (shape, phase, kind)
            for name, all_of in (("cuDNN", cudnn), ("PyTorch", peers)):
                if key in all_of:
                    by[name][kind] = all_of[key]
            lines.append((f"  {case['method']:<24}{case['type']:<6}{_windows(case) / 1e6:>10.3f}"
                          + _beside(case, cudnn.get(key)) + _beside(case, peers.get(key))).rstrip())
        lines += _fastest("cuDNN", by["cuDNN"]) + _fastest("PyTorch", by["PyTorch"])
    return lines


# Of a whole catalogue, of OpenNN's benchmark, and of a shop and M4 Hourly, whose batches are small.
MARKDOWN_SHAPES = ("32768,24,15,128,1", "16384,28,16,64,1", "16384,10,14,64,4", "4096,28,8,32,1", "256,24,15,128,1", "64,10,14,64,4",
                   "32,96,3,64,1")
MARKDOWN_METHODS = (("bf16", "fused_mma"), ("tf32", "fused_mma"), ("fp32", "fused_simt"))


def markdown(bench, torch):
    """Where and when, and a table of `M windows/s (as fast as cuDNN's fastest, as PyTorch)`; "" without any case of ours."""
    measured = _measured(bench)
    peers = _peers(measured, torch)
    ours = {(_shape(case), case["phase"], case["type"]): case for case in measured if case["section"] == "recurrence"
            and (case["type"], case["method"]) in MARKDOWN_METHODS}
    machine = next((line for line in bench if line.get("kind") == "machine"), None)
    if not ours or machine is None:
        return ""

    def cell(case):
        ratios = [best.get((_shape(case), case["phase"], _class(case["type"]))) for best in peers]
        words = [f"{other['best_seconds'] / case['best_seconds']:.2f}" if other else "-" for other in ratios]
        return f"{_windows(case) / 1e6:.3g} ({', '.join(words)})"

    lines = ["| B,T,I,H,L | | " + " | ".join(number for number, _ in MARKDOWN_METHODS) + " |", "|---|---|---|---|---|"]
    for shape in MARKDOWN_SHAPES:
        for phase in ("forward", "train"):
            cases = [ours.get((shape, phase, number)) for number, _ in MARKDOWN_METHODS]
            if any(cases):
                lines.append(f"| {shape} | {phase} | " + " | ".join(cell(case) if case else "" for case in cases) + " |")
    major, minor = divmod(machine["cuda_driver"], 1000)
    pytorch = [f"PyTorch {line['torch']}" for line in torch if line.get("kind") == "machine"][:1]
    commits = list(dict.fromkeys(line["commit"][:7] for line in bench if line.get("kind") == "machine"))
    words = [machine["device"], f"driver {machine['driver']}", f"CUDA {major}.{minor // 10}", f"cuDNN {machine['cudnn']}", *pytorch,
             machine["date"][:10], f"commit {' and '.join(commits)}"]
    return ", ".join(words) + ":\n\n" + "\n".join(lines) + "\n"


def engine_table(bench):
    measured = {case["name"]: case for case in bench if case.get("kind") == "case" and case.get("section") == "engine"
                and case.get("best_seconds") and not case.get("failed")}
    lines = [f"{name:<60}{_windows(case) / 1e6:>9.3f}" for name, case in measured.items()]
    return ["The whole engine, M windows/s"] + lines if lines else []


def rate_table(bench):
    lines = []
    for rate in {line["name"]: line for line in bench if line.get("kind") == "rate" and not line.get("failed")}.values():
        medians = [statistics.median(rate[how]) for how in ("graph_seconds", "stream_seconds") if rate.get(how)]
        if medians and min(medians) > 0:
            lines.append(f"{rate['name']:<40}{rate['work'] / min(medians):>12.4g} {rate['unit']}")
    return ["What the device reaches"] + lines if lines else []


def tables(bench_file, torch_file):
    """All tables, as lines, with an empty line between them."""
    bench, torch = read_lines(bench_file), read_lines(torch_file)
    out = []
    for make, lines in ((recurrence_table, (bench, torch)), (engine_table, (bench,)), (rate_table, (bench,))):
        try:
            part = make(*lines)
        except (LookupError, TypeError, ValueError, ArithmeticError) as error:  # a line that is none of ours
            part = [f"{make.__name__} cannot be made of {bench_file.name}: {type(error).__name__}: {error}"]
        out += part + [""] if part else []
    return out
