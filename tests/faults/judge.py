"""What must hold after a fault, as a list of what does not."""
import errno
import os
import re
import shutil
import signal

from cases import LOG, MODEL, STATUS_OF_USERS, snapshot, weights

# By the name of a call: what it may meet.
ERRORS = {
    "open_read": ("EACCES", "EIO", "EMFILE"),
    "open_write": ("ENOSPC", "EACCES", "EDQUOT", "EROFS"),
    "read": ("EIO", "EINTR", "short", "end"),
    "write": ("ENOSPC", "ENOSPC:ever", "EIO", "EDQUOT", "EINTR", "short"),
    "fsync": ("EIO", "ENOSPC", "EINTR"),
    "rename": ("EACCES", "EIO", "ENOSPC"),
    "truncate": ("EIO", "ENOSPC"),
    "allocate": ("ENOSPC", "EDQUOT", "EIO", "EINTR"),
    "close": ("EIO", "ENOSPC", "EINTR"),
    "lock": ("ENOLCK", "EINTR", "EIO"),
    "mkdir": ("ENOSPC", "EACCES"),
    "unlink": ("EACCES", "EIO"),
    "stat": ("EACCES", "EIO"),
    "mmap": ("EACCES",),
}
# What changes files: before and after the others nothing is another than before and after these.
KILLS = {name: ("KILL",) for name in ("open_write", "fsync", "truncate", "allocate", "close", "lock", "mkdir", "unlink")}
KILLS |= {"write": ("KILL", "TORN"), "rename": ("KILL", "KILL_AFTER")}
# What Arrow says of a close that failed, without its cause.
ARROWS_OWN = "error closing file"
# Of them a crash is known where memory has run out (docs/trust.md): oneDNN, and what Open MPI consists of.
LIBRARIES = "libdnnl|libmpi|libopen-pal|libopen-rte|libpmix|mca_|libevent"
TEMPORARY = re.compile(r"^\.(.*)\.[0-9a-f]{16}\.tmp$")
# Of weights where another number of processes went on, whose sums are rounded in other parts: AdamW divides by the second moment, so a step is
# off by some 2^-24 of the learning rate. Seen: 1.2e-7 after 40 steps, which is a last bit; of another seed 1e-3 to 0.5.
NEAR = 1e-5
# What a call without a cause of its own, or a number of bytes, may be answered by: with success, or with any sentence.
QUIET = {"EINTR", "short", "end"}


def after_fault(bench, fault, run, folder):
    """Of a call that failed: how it ended, what it left, and what the next run makes of it."""
    number, what = int(fault.split(":")[0]), fault.split(":")[1]
    name, path = run.trace[number - 1] if len(run.trace) >= number else ("", "")
    left = snapshot(folder)
    finds = []
    if run.status == 0:
        finds += differences("it ended well with", visible(left), visible(bench.after))
    elif run.status in STATUS_OF_USERS:
        finds += said(run.err, what, path)
    else:
        finds.append(f"status {run.status}: {last_line(run.err)}")
    return finds + half_files(bench, left) + next_run(bench, folder)


def after_kill(bench, run, folder, ranks):
    """Of a process that was killed; the next run is one of so many."""
    if run.status not in (0, -signal.SIGKILL, 128 + signal.SIGKILL):
        return [f"status {run.status}: {last_line(run.err)}"]
    left = snapshot(folder)
    # The other processes of a job may have a second to keep the best weights so far.
    return whole_model(bench, run, folder, left) + half_files(bench, left) + next_run(bench, folder, ranks)


def whole_model(bench, run, folder, left):
    """Takes a model of the best weights so far, if it is one, for that of the end."""
    if run.status == 0 or left.get(MODEL) in (None, bench.before.get(MODEL), bench.after.get(MODEL)):
        return []
    if bench.case.command[0] != "train" or (run.status != 130 and bench.case.ranks == 1):
        return []
    left[MODEL] = bench.after[MODEL]
    return [f"{MODEL} is half"] if bench.run(folder, ("info", MODEL)).status != 0 else []


def after_signal(bench, run, folder):
    """Of a signal at a call: it ends by it, with a state, or had been done."""
    finds = []
    by_signal = [-signal.SIGTERM, -signal.SIGINT] + ([128 + signal.SIGTERM] if bench.case.ranks > 1 else [])
    if run.status not in (0, 130, *by_signal):
        finds.append(f"status {run.status}: {last_line(run.err)}")
    if run.status == 130 and "interrupted" not in run.err and not (bench.case.ranks > 1 and "exited on signal" in run.err):
        finds.append(f"130 without a word: {last_line(run.err)}")
    left = snapshot(folder)
    return finds + whole_model(bench, run, folder, left) + half_files(bench, left) + next_run(bench, folder)


def after_no_memory(bench, run, folder):
    finds = []
    if run.status == 0:
        finds += differences("it ended well with", visible(snapshot(folder)), visible(bench.after))
    elif run.status == 1 and "libgomp: Out of memory" in run.err:
        pass  # GNU's OpenMP ends the process itself
    elif run.status == 1 and "MPI_INIT failed" in run.err:
        pass  # Open MPI's own words, before the program has any
    elif (run.status < 0 or run.status > 128) and re.search(f"faults: crashed in .*/({LIBRARIES})", run.err):
        pass  # it does not look whether it got memory
    elif run.status not in (3, 4):
        finds.append(f"status {run.status}: {last_line(run.err)}")
    elif not re.search(r"(?m)^sluice: .*(memory|Cannot allocate|thread)", run.err):
        finds.append(f"memory is not named: {last_line(run.err)}")
    return finds + half_files(bench, snapshot(folder)) + next_run(bench, folder)


def said(err, what, path):
    """A sentence of an error: place, reason, remedy."""
    lines = re.findall(r"(?m)^sluice: .+", err)
    if not lines:
        return [f"no sentence: {last_line(err)!r}"]
    line = lines[-1]
    finds = []
    if ";" not in line:
        finds.append(f"no remedy: {line}")
    if what in QUIET:
        return finds
    reason = os.strerror(getattr(errno, what))
    if reason not in line and ARROWS_OWN not in line:
        finds.append(f"no reason ({reason}): {line}")
    name = os.path.basename(path)
    hidden = TEMPORARY.match(name)
    names = [hidden[1]] if hidden else [name, os.path.basename(os.path.dirname(path))]
    if not any(one and one in line for one in names):
        finds.append(f"no place ({path}): {line}")
    return finds


def half_files(bench, left):
    """Files under a final name are as before, or as at the end, and none of those before is gone."""
    finds = []
    for name, digest in visible(left).items():
        if name == LOG:
            continue
        if digest not in (bench.before.get(name), bench.after.get(name)) and not name.endswith(".journal"):
            finds.append(f"{name} is half")
    finds += [f"{name} is gone" for name in visible(bench.before)
              if name in bench.after and name not in left and not (bench.case.replaces and name.startswith(bench.case.replaces))]
    return finds + (mixed_parts(bench, left) if bench.case.replaces else [])


def mixed_parts(bench, left):
    """A directory whose parts are replaced has those of its plan alone, and all of them where there is a manifest."""
    def inside(files):
        return {name: digest for name, digest in visible(files).items() if name.startswith(bench.case.replaces)}

    found = inside(left)
    plan, manifest = (bench.case.replaces + name for name in ("_plan.json", "_manifest.json"))
    of = inside(bench.after if found.get(plan) == bench.after[plan] else bench.before)
    finds = [f"{name} is of another plan" for name, digest in found.items() if of.get(name) != digest]
    if manifest in found and found != of:
        finds.append("a manifest without all of its parts")
    return finds


def next_run(bench, folder, ranks=None):
    """The same command again, or --mode.resume, as so many processes (the same by default): the undisturbed result, and nothing beside."""
    left = snapshot(folder)
    done = not bench.case.fresh_result and visible(left) == visible(bench.after) and not bench.state(folder).exists()
    another = ranks not in (None, bench.case.ranks) and bench.case.command[0] == "train"
    resumes = bench.state(folder).exists()
    after = bench.again(folder, ranks)
    if after.status != 0:
        return [f"the next run ended with {after.status}: {last_line(after.err)}"]
    if done:  # the training had ended: another one goes on from its model
        return [f"left over: {name}" for name in snapshot(folder) if name not in bench.after]
    found = snapshot(folder)
    if resumes and "win/s" in after.err and "resuming" not in after.err:
        return ["the next run trains from the beginning"]
    if another:  # rounded otherwise
        numbers = weights(folder / MODEL)
        if len(numbers) != len(bench.model_after) or any(abs(a - b) > NEAR for a, b in zip(numbers, bench.model_after)):
            return [f"the next run of {ranks} has other weights"]
        found[MODEL] = bench.after[MODEL]
    return differences("the next run has", found, bench.after)


def visible(files):
    """What has a final name: neither a training's state and lock nor a temporary file."""
    return {name: digest for name, digest in files.items()
            if not TEMPORARY.match(os.path.basename(name)) and not name.endswith((".state", ".lock"))}


def differences(what, found, wanted):
    finds = []
    for name in sorted({*found, *wanted}):
        if name == LOG:
            continue
        if name not in wanted:
            finds.append(f"{what} {name}")
        elif name not in found:
            finds.append(f"{what}out {name}")
        elif found[name] != wanted[name]:
            finds.append(f"{what} another {name}")
    return finds


def last_line(text):
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""


def tidy(folder):
    shutil.rmtree(folder, ignore_errors=True)
