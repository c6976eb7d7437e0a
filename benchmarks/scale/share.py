"""How long a forecast takes as a whole process, in times of the engine's own: samples of the processor, by perf.

    python benchmarks/scale/share.py build/release/sluice [OTHER ...] --folder /tmp/scale --runs 5

The folder has sales.slc and model.safetensors, made as docs/scale.md says. Each run forecasts them on one thread, the
programs by turns. The engine's own time is its construction (make_engine, which copies the data into the model's space)
and its pass over all series (Engine::forecast); all else of the process stands beside it: loading, reading, checking,
hashing, what becomes of the numbers, writing. Of each run: samples of both and their ratio; at the end of each program
the median, least and greatest of the ratios.
"""

import argparse
import collections
import pathlib
import re
import statistics
import subprocess
import tempfile

# Its parts too, as not every stack can be walked up to where the engine is called; oneDNN's products, made as it runs,
# are the head's.
ENGINE = re.compile(r"sluice::(make_engine|CpuEngine::(?!~)|ModelSpace::(?!~)|Gather::|WindowInputs::|input_row|Head::"
                    r"|HeadLayer::|N_[A-Z0-9]+::|\(anonymous namespace\)::FusedRecurrence)"
                    r"|\(.*libdnnl[^)]*\)$|/perf-[0-9]+\.map\)$")
RECORD = ["perf", "record", "-q", "-F", "1999", "--call-graph", "dwarf,16384", "-o"]
FORECAST = ["forecast", "model.safetensors", "sales.slc", "--engine.threads", "1", "--engine.device", "cpu",
            "--mode.log_file", "false", "--path.forecast"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", nargs="+", type=pathlib.Path)
    parser.add_argument("--folder", required=True, type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--leaves", type=int, default=0, help="functions with most samples beside the engine, so many")
    return parser.parse_args()


def stacks(record):
    """Names of functions, the innermost first, of each sample."""
    command = ["perf", "script", "-i", record, "--no-inline", "-F", "comm,ip,sym,dso"]
    script = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    stack, begun = [], False
    for line in script.stdout:
        if not line.strip():
            if begun:
                yield stack
            stack, begun = [], False
        elif begun:
            stack.append(line.split(maxsplit=1)[-1].strip())
        else:
            begun = True
    if begun:
        yield stack


def sampled(program, folder):
    """Samples of the engine and of all; what the others are in."""
    with tempfile.TemporaryDirectory(dir=folder) as made:
        record = f"{made}/perf.data"
        command = [*RECORD, record, str(program.resolve()), *FORECAST, f"{made}/forecasts.parquet"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        engine, all_of_it, leaves = 0, 0, collections.Counter()
        for stack in stacks(record):
            all_of_it += 1
            if any(ENGINE.search(name) for name in stack):
                engine += 1
            else:
                leaves[stack[0] if stack else "?"] += 1
    return engine, all_of_it, leaves


def main():
    options = arguments()
    ratios = {program: [] for program in options.programs}
    for run in range(options.runs):
        for program in options.programs:
            engine, all_of_it, leaves = sampled(program, options.folder)
            ratio = all_of_it / engine
            ratios[program].append(ratio)
            print(f"{program}: run {run + 1}: engine {engine}, process {all_of_it}, ratio {ratio:.3f}", flush=True)
            for name, count in leaves.most_common(options.leaves):
                print(f"    {count / all_of_it:6.2%} {name[:110]}")
    for program, of_it in ratios.items():
        print(f"{program}: median {statistics.median(of_it):.3f} ({min(of_it):.3f} to {max(of_it):.3f})")


if __name__ == "__main__":
    main()
