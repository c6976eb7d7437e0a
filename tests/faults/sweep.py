"""Fails, kills or starves the program at every call, or at some of them, and counts what does not hold.

usage: sweep.py [io] [kills] [moments] [signals] [memory] [--cases A,B] [--some N] [--seed S] [--jobs J]

  io       each call on a file fails with each of the errors that it may have (judge.ERRORS)
  kills    SIGKILL before each call that changes files or log, after each rename, and half way through each write; the next run
           of a third of them is killed, too
  moments  SIGKILL at moments of the run, drawn by the seed (60 by default)
  signals  SIGTERM and SIGINT at each call
  memory   an allocation has no memory, alone and with all later ones; some of them: there are tens of thousands
  --some   so many points of each case, drawn by the seed, instead of all (memory: 60 by default)

Cases of several processes (ranks_...) have the fault in one of them, and what it left is gone on with by two, one or three.
SLUICE_PROGRAM and SLUICE_FAULTS say where the program and the preloaded library are, SLUICE_MPIRUN what starts several processes, if
the build can; `scripts/faults` sets them.
Prints what does not hold and a line of counts for each case; the status is 1 if something does not hold.
"""
import argparse
import concurrent.futures
import pathlib
import random
import sys
import tempfile

import judge
from cases import CASES, Bench, Fault, mpirun

KINDS = ("io", "kills", "moments", "signals", "memory")


def points(kind, bench, some, draw):
    """The Faults of each trial: the first one, and one of the next run or None."""
    found = []
    for rank, run in enumerate(bench.undisturbed_of):
        if kind == "io":
            calls = [f"{n}:{error}" for n, (name, _) in enumerate(run.trace, 1) for error in judge.ERRORS[name]]
        elif kind == "kills":
            # The eight bytes of a lock are written whole or not at all: the system cuts a write at the end of a page. What a rank
            # other than the first one looks at, others wait for.
            acts = judge.KILLS if rank == 0 else dict.fromkeys(judge.ERRORS, ("KILL",)) | judge.KILLS
            calls = [f"{n}:{act}" for n, (name, path) in enumerate(run.trace, 1) for act in acts.get(name, ())
                     if (act, path[-5:]) != ("TORN", ".lock")]
        elif kind == "signals":
            calls = [f"{n}:{number}" for n in range(1, len(run.trace) + 1) for number in ("SIGTERM", "SIGINT")]
        else:
            calls = []
        found += [(Fault(call=call, rank=rank), killed_again(run.trace, draw) if kind == "kills" else None) for call in calls]
    if kind in ("io", "kills", "signals"):
        return sorted(draw.sample(found, min(some, len(found))), key=lambda one: int(one[0].call.split(":")[0])) if some else found
    few = some or 60
    if kind == "moments":
        return [(Fault(moment=draw.randint(1, run.microseconds), rank=rank), None)
                for rank, run in drawn(bench.undisturbed_of, few, draw)]
    faults = []
    for n, (rank, run) in enumerate(drawn(bench.undisturbed_of, few, draw)):
        number = max(1, round(run.allocations ** draw.random())) if n % 2 else draw.randint(1, max(1, run.allocations))
        faults.append((Fault(memory=f"{number}{':ever' if draw.random() < 0.5 else ''}", rank=rank), None))
    return faults


def drawn(runs, count, draw):
    """So many of the processes, each with its number."""
    return [draw.choice(list(enumerate(runs))) for _ in range(count)]


def killed_again(trace, draw):
    """Of a third of the kills: a second one, of the next run."""
    return Fault(call=f"{draw.randint(1, len(trace))}:KILL") if draw.random() < 1 / 3 else None


def trial(kind, bench, fault, later, ranks):
    """What does not hold, and the status of the run with the fault."""
    run, folder = bench.trial(fault)
    if later:
        bench.run(folder, bench.command(folder), later, ranks=bench.case.ranks)
    if kind == "io":
        finds = judge.after_fault(bench, fault.call, run, folder)
    elif kind in ("kills", "moments"):
        finds = judge.after_kill(bench, run, folder, ranks)
    elif kind == "signals":
        finds = judge.after_signal(bench, run, folder)
    else:
        finds = judge.after_no_memory(bench, run, folder)
    call = ""
    if fault.call:
        n = int(fault.call.split(":")[0])
        call = f" ({' '.join(run.trace[n - 1]) if n <= len(run.trace) else 'not reached'})"
    judge.tidy(folder)
    again = f", again at {later.call}" if later else ""
    return [f"{fault}{call}{again}, then {ranks} process{'es' if ranks > 1 else ''}: {find}" for find in finds], run.status


def sweep(kind, name, some=None, seed=1, jobs=1, root=None):
    """Runs the trials of a case: (how many, by how they ended, what does not hold)."""
    with tempfile.TemporaryDirectory(prefix="sluice_faults_", dir=root) as folder:
        bench = Bench(CASES[name], folder)
        draw = random.Random(f"{seed} {kind} {name}")
        # What a job left is gone on with by as many processes, by one or by three.
        numbers = (bench.case.ranks, 1, 3) if bench.case.ranks > 1 else (1,)
        plan = [(*one, numbers[n % len(numbers)]) for n, one in enumerate(points(kind, bench, some, draw))]
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
            if CASES[name].ranks > 1 and not mpirun():
                print(f"{kind:8} {name:18} left out: SLUICE_MPIRUN is not set")
                continue
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
