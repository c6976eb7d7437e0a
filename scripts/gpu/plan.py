"""The steps on a GPU, in the order of their worth, each with its share of the time: a run that is cut has the best of it.

Timings run alone; what runs side by side (shards of tests, tools of the sanitizer) stands between them."""
import dataclasses
import os
import pathlib
import time
import traceback
import typing

from gpu import child, host, outputs, table
from gpu.summary import FAILED, LEFT_OUT, NOT_BEGUN, PASSED, Result

LEAST_SECONDS = 3.0      # a step gets no less, the first ones before the later ones, and is not begun with less
ALONE_SECONDS = 3600.0   # bound of a step where no total was given
SHARDS = 8

SMOKE = "DeviceBase*:DeviceMatmul*:FusedMma.*:FusedSimt.*"
SMALL = "FusedMma.*:FusedSimt.*:Shapes/*"  # for the sanitizer, which slows kernels 10 to 100 times
MOST_COMPLAINTS = 1_000_000  # that a tool of the sanitizer prints, to be counted by kernel
LARGE = "*LargeDeviceRecurrence*"
CUDNN_FIRST = "*CudnnNumbers*standard*:*CudnnNumbers*small_h*:*CudnnGraphs*standard*"

# Of cudnn_persist_dynamic, which compiles for seconds a case, what a short run has time for: where it can be the fastest.
DYNAMIC = ["--persist-dynamic", "--filter", "cudnn_persist_dynamic/fp16/forward/16,", "--filter", "cudnn_persist_dynamic/fp16/train/16,"]

# What ncu looks at: the shapes that decide, at 128 and at 64 units.
PROFILED = [("forward", "forward_kernel"), ("train", "backward_kernel")]  # whatever their template arguments
PROFILED_SHAPES = ["32768,24,15,128,1", "16384,28,16,64,1"]
NCU_SECTIONS = ["SpeedOfLight", "WarpStateStats", "MemoryWorkloadAnalysis", "InstructionStats", "Occupancy", "LaunchStats"]


@dataclasses.dataclass
class Check:
    """What the steps share."""
    build: host.Build
    libraries: host.Libraries
    folder: pathlib.Path  # of the results
    peer: pathlib.Path    # pytorch_lstm.py
    whole: bool           # no total was given: everything, with all samples
    interrupts: child.Interrupts
    device_lost: bool = False  # by the smoke tests

    def log(self, name):
        return child.Log(self.folder / name)

    def environment(self, **more):
        return {**os.environ, "LD_LIBRARY_PATH": self.libraries.path, "SLUICE_REQUIRE_GPU": "1", **more}

    def run(self, commands, seconds, log):
        return child.run(commands, seconds, self.log(log), self.interrupts)


@dataclasses.dataclass
class Step:
    name: str
    share: float  # seconds of eight minutes
    file: str
    run: typing.Callable[[Check, float], Result]
    wanted: typing.Callable[[Check], bool] = lambda check: True
    least: float = LEAST_SECONDS  # seconds without which it is of no use


def _tests(check, bound, filters, shards=1):
    words = [str(check.build.tests), f"--gtest_filter={filters}"]
    commands = [child.Command(words, check.environment())]
    if shards > 1:
        commands = [child.Command(words, check.environment(GTEST_TOTAL_SHARDS=str(shards), GTEST_SHARD_INDEX=str(shard)),
                                  f"shard {shard}") for shard in range(shards)]
    return outputs.Tests(check.run(commands, bound, "tests.log"), bound)


def _tested(read):
    return Result(PASSED if read.all_is_well() else FAILED, read.text(), read.details())


def smoke(check, bound):
    read = _tests(check, bound, SMOKE)
    check.device_lost = read.device_lost
    return _tested(read)


def tests(check, bound):
    return _tested(_tests(check, bound, f"-*udnn*:{LARGE}", min(SHARDS, len(os.sched_getaffinity(0)))))


def cudnn_tests(check, bound):
    return _tested(_tests(check, bound, f"*udnn*-{LARGE}" if check.whole else CUDNN_FIRST))


def large_tests(check, bound):
    return _tested(_tests(check, bound, LARGE if check.whole else f"{LARGE}fused_mma_bf16"))


def bench(plan, *more):
    """A step of `sluice-bench gpu --plan`, which ends by its own budget before its bound here."""
    def step(check, bound):
        lines = check.folder / "bench.jsonl"
        offset = lines.stat().st_size if lines.exists() else 0
        words = [str(check.build.bench), "gpu", "--plan", plan, "--jsonl", str(lines), "--commit", check.build.commit,
                 "--budget", f"{bound - min(5.0, bound / 5):.1f}", "--case-timeout", f"{min(15.0, max(bound / 2, 1.0)):.1f}", *more]
        if not check.whole:
            words += ["--repeat", "9", "--sample-seconds", "0.003"]
        (outcome,) = check.run([child.Command(words, check.environment())], bound, "bench.log")
        if outcome.status == 2 and any("nothing to measure" in line for line in outcome.lines):
            return Result(LEFT_OUT, "this build has no such case")  # one without cuDNN, for instance
        counts = table.count_cases(table.read_lines(lines, offset))
        parts = [f"{counts['measured']} measured", f"{counts['refused']} refused"]
        parts += [f"{len(counts[what])} {what}" for what in ("failed", "lost") if counts[what]]
        if counts["left"]:
            parts.append(f"{counts['left']} left ({counts['stopped'] or 'stopped'})")
        details = counts["lost"] + counts["failed"]
        trouble = outcome.trouble(bound)
        if trouble and (not details or outcome.timed_out or outcome.status != 1):
            said = [line for line in outcome.lines if line.startswith("sluice-bench: ")] or outcome.lines
            parts += [trouble] + said[-1:]
        return Result(FAILED if trouble or details else PASSED, "; ".join(parts), details)
    return step


def rest(check, bound):
    return bench("rest", *(["--persist-dynamic"] if check.whole else []))(check, bound)


def ncu(check, bound):
    tool = host.find_tool("ncu")
    if not tool:
        return Result(LEFT_OUT, "not here; install ncu (CUDA toolkit: Nsight Compute)")
    texts, failed, end = [], False, time.monotonic() + bound
    cases = [(phase, kernel, shape) for shape in PROFILED_SHAPES for phase, kernel in PROFILED]
    for number, (phase, kernel, shape) in enumerate(cases):
        seconds = max((end - time.monotonic()) / (len(cases) - number), 0.5)
        words = [tool, "--clock-control", "none", "--target-processes", "all", "--kernel-name", f"regex:{kernel}", "--launch-count",
                 "1"]
        for section in NCU_SECTIONS:
            words += ["--section", section]
        words += [str(check.build.bench), "gpu", "--plan", "all", "--filter", f"recurrence/fused_mma/bf16/{phase}/{shape}",
                  "--repeat", "1", "--sample-seconds", "0.0001", "--case-timeout", "60"]
        check.log("ncu.txt").write(f"\n==== {kernel}, bf16, B,T,I,H,L = {shape}\n")
        (outcome,) = check.run([child.Command(words, check.environment())], seconds, "ncu.txt")
        trouble = outputs.ncu_trouble(outcome, seconds)
        failed |= bool(trouble)
        texts.append(f"{kernel} {shape}: {trouble or 'profiled'}")
    return Result(FAILED if failed else PASSED, f"{sum(text.endswith('profiled') for text in texts)} of {len(cases)} profiled",
                  texts if failed else [])


def _sanitize(check, bound, tools, filters):
    tool = host.find_tool("compute-sanitizer")
    if not tool:
        return Result(LEFT_OUT, "not here; install compute-sanitizer (CUDA toolkit: cuda-sanitizer)")
    complaints = {name: outputs.Complaints() for name in tools}
    commands = [child.Command([tool, "--tool", name, "--error-exitcode", "9", "--show-backtrace", "no", "--print-limit",
                               str(MOST_COMPLAINTS), str(check.build.tests), f"--gtest_filter={filters}"],
                              check.environment(SLUICE_SMALL_TESTS="1"), name, complaints[name]) for name in tools]
    found = [outputs.sanitizer_line(name, outcome, bound)
             for name, outcome in zip(tools, check.run(commands, bound, "sanitizer.log"))]
    return Result(PASSED if all(clean for clean, _ in found) else FAILED, "; ".join(text for _, text in found),
                  [text for name in tools for text in complaints[name].texts(name)])


def memcheck(check, bound):
    return _sanitize(check, bound, ["memcheck"], "FusedMma.*")


def sanitizer(check, bound):
    tools = ["memcheck", "racecheck", "initcheck"] + (["synccheck"] if check.whole else [])
    return _sanitize(check, bound, tools, SMALL)


def _shapes(check):
    """"B,T,I,H,L" of the shapes that sluice-bench puts first."""
    names = host.output([str(check.build.bench), "gpu", "--plan", "tier1", "--list"], check.interrupts,
                        environment=check.environment()) or []
    shapes = [name.rsplit("/", 1)[-1] for name in names if name.startswith("recurrence/")]
    return list(dict.fromkeys(shapes)) or PROFILED_SHAPES


def pytorch(check, bound):
    python, begin = host.python(), time.monotonic()
    if host.output([python, "-c", "import importlib.util as u; assert u.find_spec('torch')"], check.interrupts) is None:
        return Result(LEFT_OUT, f"not here; install PyTorch with CUDA for {python}, or set PYTHON to an interpreter that has it")
    lines = check.folder / "pytorch.jsonl"
    words = [python, str(check.peer), "--cuda", "--jsonl", str(lines), "--samples", "21" if check.whole else "9"]
    for shape in _shapes(check):
        words += ["--shape", shape]
    for number in ("bf16", "fp16", "tf32", "fp32"):
        words += ["--type", number]
    bench_lines = check.folder / "bench.jsonl"
    words += ["--sluice-json", str(bench_lines)] if bench_lines.exists() else []
    # With its own libraries, not with those chosen for our programs.
    bound = max(bound - (time.monotonic() - begin), 0.5)
    (outcome,) = check.run([child.Command(words)], bound, "bench.log")
    counts = table.count_cases(table.read_lines(lines))
    parts = [f"{counts['measured']} measured"] + ([f"{len(counts['failed'])} failed"] if counts["failed"] else [])
    trouble = outcome.trouble(bound)
    if trouble:
        parts += [trouble] + outcome.lines[-1:]
    return Result(FAILED if trouble or not counts["measured"] else PASSED, "; ".join(parts))


# Shares: seconds of eight minutes, half as much again as an H200 took (the sanitizer's tools 68 s, the grid 50 s); what a step
# leaves goes to the later ones, above all to the rest.
STEPS = [
    Step("smoke tests", 10, "tests.log", smoke),
    Step("memcheck", 45, "sanitizer.log", memcheck, wanted=lambda check: check.device_lost),
    Step("rates", 15, "bench.jsonl", bench("rates")),
    Step("tier 1", 45, "bench.jsonl", bench("tier1")),
    Step("engine", 27, "bench.jsonl", bench("engine")),
    Step("tests", 30, "tests.log", tests),
    Step("grid", 80, "bench.jsonl", bench("grid")),
    Step("ncu", 25, "ncu.txt", ncu),
    Step("compute-sanitizer", 75, "sanitizer.log", sanitizer),
    Step("PyTorch", 50, "pytorch.jsonl", pytorch),
    Step("cuDNN's tests", 8, "tests.log", cudnn_tests),
    Step("cuDNN, compiled", 18, "bench.jsonl", bench("rest", *DYNAMIC), wanted=lambda check: not check.whole),
    Step("rest", 80, "bench.jsonl", rest),
    Step("large tests", 17, "tests.log", large_tests, least=15),  # 10 s of the reference alone, on 16 processors
]


def _outcome(step, check, bound):
    """A step's result, whatever it meets: a bug in the reading of one program's words must not end a run on a lent card."""
    try:
        return step.run(check, bound)
    except (child.Cut, child.ResultsError):
        raise
    except Exception as error:  # pylint: disable=broad-except
        place = traceback.extract_tb(error.__traceback__)[-1]
        return Result(FAILED, f"gpu_check's own error, please report it: {type(error).__name__}: {error} "
                              f"({os.path.basename(place.filename)}:{place.lineno})")


def run_steps(check, summary, end, say):
    """All steps; each gets its share of the time that is left until `end` (None: an hour). Throws Cut and ResultsError."""
    steps = list(STEPS)
    while steps:
        step = steps.pop(0)
        if not step.wanted(check):
            continue
        begin = time.monotonic()
        bound = ALONE_SECONDS
        if end is not None:
            later = sum(other.share for other in steps if other.wanted(check))
            left = end - begin
            bound = min(max(left * step.share / (step.share + later), LEAST_SECONDS), left)
        if bound < step.least:
            result = Result(NOT_BEGUN, f"{max(bound, 0):.0f} s were left for it, it needs {step.least:.0f}")
        else:
            say(f"{begin - summary.begin:6.0f} s  {step.name}, at most {bound:.0f} s")
            summary.start(step.name)
            result = _outcome(step, check, bound)
        say(summary.add(step.name, step.file, begin, result))
