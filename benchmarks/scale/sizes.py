"""Time and memory of every command from a thousand to a million series, as a table, JSON and a picture.

    python benchmarks/scale/sizes.py --sluice build/release/sluice --series 1000 10000 100000 1000000 --folder /tmp/scale \
        --json benchmarks/results/scale-DATE.json --figure docs/images/scale.png

Catalogues of --days days (price, promotion and holiday known 28 days further) are simulated, converted, checked, trained on (--steps steps with
the settings of configs/catalog.toml), forecast and evaluated, each by a process of its own on --threads threads. Per command: seconds, processor seconds and
the greatest resident memory (part of it, of a mapped catalogue, are pages that the system may take back: the peak of memory that is the
process's own, RssAnon, stands beside). A folder's files are removed before the next size; a million series take 20 GB of disk, and about half an
hour on two cores.
"""

import argparse
import json
import os
import pathlib
import platform
import resource
import shutil
import subprocess
import sys
import threading
import time

COMMANDS = ("simulate", "convert", "check", "train", "forecast", "evaluate")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sluice", required=True, help="the program")
    parser.add_argument("--series", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--days", type=int, default=400)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--folder", type=pathlib.Path, required=True, help="where the data lie meanwhile")
    parser.add_argument("--json", type=pathlib.Path, help="results; those of other sizes in it stay")
    parser.add_argument("--figure", type=pathlib.Path, help="a PNG of what is in --json, by gnuplot")
    return parser.parse_args()


class Peak(threading.Thread):
    """The most anonymous memory that a process was seen with, looked at twenty times a second."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.bytes = pid, 0

    def run(self):
        while True:
            try:
                status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
            except OSError:
                return
            for line in status.splitlines():
                if line.startswith("RssAnon:"):
                    self.bytes = max(self.bytes, int(line.split()[1]) << 10)
            time.sleep(0.05)


def measured(command, folder):
    """Runs it to its end; fails where it does."""
    with open(folder / "log.txt", "wb") as log:
        start = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        peak = Peak(process.pid)
        peak.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
    if status != 0:
        sys.exit(f"{' '.join(command)}: status {status}\n" + (folder / "log.txt").read_text()[-2000:])
    return {"seconds": round(seconds, 2), "processor_seconds": round(usage.ru_utime + usage.ru_stime, 2),
            "resident_gb": round(usage.ru_maxrss * 1024 / 1e9, 3), "own_gb": round(peak.bytes / 1e9, 3)}


def shape(series):
    """Stores and items: as many items as it goes in a store of up to a thousand."""
    items = min(1000, max(1, series // 10))
    return series // items, items


def run(program, options, series):
    folder = options.folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    stores, items = shape(series)
    common = ["--engine.threads", str(options.threads), "--engine.device", "cpu", "--mode.log_file", "false"]
    # Without fits of exponential smoothing to each series, which take a millisecond and more each.
    evaluation = ["--evaluate.n_windows", "1", "--evaluate.methods", "[]", "--mode.figures", "false"]
    commands = {
        "simulate": ["simulate", "sales.parquet", "--stores", str(stores), "--items", str(items), "--days", str(options.days)],
        "convert": ["convert", "sales.parquet", "sales.slc", "--data.future", "price,promotion,holiday",
                    "--path.future", "sales.future.parquet"],
        "check": ["check", "sales.slc"],
        "train": ["train", "sales.slc", "--horizon", "28", "--training.steps", str(options.steps), "--training.choice", "0",
                  "--network.base", "seasonal", *common],
        "forecast": ["forecast", "model.safetensors", "sales.slc", "--path.forecast", "forecasts.parquet", *common],
        "evaluate": ["evaluate", "model.safetensors", "sales.slc", *evaluation, *common],
    }
    commands["train"] += ["--path.model", "model.safetensors"]
    result = {"series": stores * items, "days": options.days, "steps": options.steps, "threads": options.threads}
    for name in COMMANDS:
        result[name] = measured([program, *commands[name]], folder)
        print(f"{stores * items:>9,} {name:<9} {result[name]}", flush=True)
    values = stores * items * options.days * 4
    result["numbers_gb"] = round(values * 4 / 1e9, 3)
    result["files_gb"] = {path.name: round(path.stat().st_size / 1e9, 3) for path in sorted(folder.iterdir())
                          if path.suffix in (".parquet", ".slc", ".safetensors")}
    shutil.rmtree(folder)
    return result


def draw(results, figure, folder):
    """Processor time and memory over the number of series, both axes logarithmic."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = folder / "scale.dat"
    shown = COMMANDS[1:]
    rows.write_text("\n".join(" ".join(map(str, [one["series"], one["numbers_gb"] + 1e-9,
                                                 *(one[name]["processor_seconds"] for name in shown),
                                                 *(one[name]["own_gb"] or "nan" for name in shown)])) for one in results) + "\n")
    curves = [", ".join(f"'{rows}' using 1:{3 + offset + i} with linespoints pt 7 title '{name}'" for i, name in enumerate(shown))
              for offset in (0, len(shown))]
    days = " to ".join(str(one) for one in sorted({one["days"] for one in results}))
    script = f"""
set terminal pngcairo size 1100,450 font 'sans,11'
set output '{figure}'
set multiplot layout 1,2
set logscale xy
set xlabel 'series of {days} days'
set key top left
set grid
set datafile missing 'nan'
set title 'seconds of processor time, {results[0]["threads"]} threads'
plot {curves[0]}
set title 'memory of the process, GB'
plot {curves[1]}, '{rows}' using 1:2 with lines dashtype 2 lc 'black' title 'the numbers, float32'
"""
    subprocess.run(["gnuplot", "-"], input=script, text=True, check=True)


def main():
    options = arguments()
    program = str(pathlib.Path(options.sluice).resolve())
    known = json.loads(options.json.read_text())["results"] if options.json and options.json.exists() else []
    for series in options.series:
        result = run(program, options, series)
        known = sorted([one for one in known if one["series"] != result["series"]] + [result], key=lambda one: one["series"])
        if options.json:
            options.json.write_text(json.dumps({"machine": machine(), "version": version(program), "results": known}, indent=1) + "\n")
    if options.figure:
        draw(known, options.figure, options.folder)


def machine():
    model = next((line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{model}, {os.cpu_count()} cores, {memory / 1e9:.0f} GB"


def version(program):
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()
