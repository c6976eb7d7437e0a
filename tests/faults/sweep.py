"""Fails, kills or starves the program at every call, or at some of them, and counts what does not hold.

usage: sweep.py [io] [kills] [signals] [memory] [--cases A,B] [--some N] [--seed S] [--jobs J]

  io       each call on a file fails with each of the errors that it may have (judge.ERRORS)
  kills    SIGKILL before each call that changes files or log, after each rename, and half way through each write; the next run
           of a third of them is killed, too
  signals  SIGTERM and SIGINT at each call
  memory   an allocation has no memory, alone and with all later ones; some of them: there are tens of thousands
  --some   so many points of each case, drawn by the seed, instead of all (memory: 60 by default)

SLUICE_PROGRAM and SLUICE_FAULTS say where the program and the preloaded library are; `scripts/faults` sets them.
Prints what does not hold and a line of counts for each case; the status is 1 if something does not hold.
"""
import argparse
import concurrent.futures
import pathlib
import random
import sys
import tempfile

import judge
from cases import CASES, Bench

KINDS = ("io", "kills", "signals", "memory")


def points(kind, trace, allocations, some, draw):
    """(fault, memory) of each trial."""
    if kind == "io":
        found = [(f"{n}:{error}", None) for n, (name, _) in enumerate(trace, 1) for error in judge.ERRORS[name]]
    elif kind == "kills":
        # The eight bytes of a lock are written whole or not at all: the system cuts a write at the end of a page.
        found = [(f"{n}:{act}{killed_again(trace, draw)}", None) for n, (name, path) in enumerate(trace, 1)
                 for act in judge.KILLS.get(name, ()) if (act, path[-5:]) != ("TORN", ".lock")]
    elif kind == "signals":
        found = [(f"{n}:{number}", None) for n in range(1, len(trace) + 1) for number in ("SIGTERM", "SIGINT")]
    else:
        few = some or 60
        numbers = sorted({max(1, round(allocations ** draw.random())) for _ in range(few // 2)} |
                         {draw.randint(1, max(1, allocations)) for _ in range(few - few // 2)})
        return [(None, f"{n}{':ever' if draw.random() < 0.5 else ''}") for n in numbers]
    return sorted(draw.sample(found, min(some, len(found))), key=lambda one: int(one[0].split(":")[0])) if some else found


def killed_again(trace, draw):
    """Of a third of the kills: a second one, of the next run."""
    return f",{draw.randint(1, len(trace))}:KILL" if draw.random() < 1 / 3 else ""


def trial(kind, bench, fault, memory):
    """What does not hold, and the status of the run with the fault."""
    first, *more = fault.split(",") if fault else [None]
    run, folder = bench.trial(fault=first, memory=memory)
    for later in more:
        bench.run(folder, bench.command(folder), fault=later)
    if kind == "io":
        finds = judge.after_fault(bench, fault, run, folder)
    elif kind == "kills":
        finds = judge.after_kill(bench, run, folder)
    elif kind == "signals":
        finds = judge.after_signal(bench, run, folder)
    else:
        finds = judge.after_no_memory(bench, run, folder)
    call = ""
    if fault:
        n = int(first.split(":")[0])
        call = " ".join(run.trace[n - 1]) if n <= len(run.trace) else "not reached"
    judge.tidy(folder)
    return [f"{fault or 'allocation ' + memory} ({call}): {find}" for find in finds], run.status


def sweep(kind, name, some=None, seed=1, jobs=1, root=None):
    """Runs the trials of a case: (how many, by how they ended, what does not hold)."""
    with tempfile.TemporaryDirectory(prefix="sluice_faults_", dir=root) as folder:
        bench = Bench(CASES[name], folder)
        draw = random.Random(f"{seed} {kind} {name}")
        plan = points(kind, bench.undisturbed.trace, bench.undisturbed.allocations, some, draw)
        ended, finds = {}, []
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            for found, status in pool.map(lambda one: trial(kind, bench, *one), plan):
                ended[status] = ended.get(status, 0) + 1
                finds += [f"{kind} {name}: {find}" for find in found]
        return len(plan), ended, finds


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("kinds", nargs="*", choices=[*KINDS, []], help="all by default")
    parser.add_argument("--cases", default=",".join(CASES), help="some of " + ", ".join(CASES))
    parser.add_argument("--some", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    asked = parser.parse_args()
    print(f"seed {asked.seed}")
    total, all_finds = 0, []
    for kind in asked.kinds or KINDS:
        for name in asked.cases.split(","):
            count, ended, finds = sweep(kind, name, asked.some, asked.seed, asked.jobs)
            how = ", ".join(f"{number} ended with {status}" for status, number in sorted(ended.items()))
            print("\n".join([*finds, f"{kind:8} {name:18} {count:5} faults: {how}; finds: {len(finds)}"]), flush=True)
            total += count
            all_finds += finds
    print(f"{total} faults, {len(all_finds)} finds")
    return 1 if all_finds else 0


if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    sys.exit(main())
