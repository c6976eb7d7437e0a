"""What must hold after a fault, as a list of what does not."""
import errno
import os
import re
import shutil
import signal

from cases import LOG, STATUS_OF_USERS, snapshot

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
MODEL = "runs/model.safetensors"
# Of them a crash is known where memory has run out (docs/trust.md).
LIBRARIES = "libdnnl"
TEMPORARY = re.compile(r"^\.(.*)\.[0-9a-f]{16}\.tmp$")
# What a call without a cause of its own, or a number of bytes, may be answered by: with success, or with any sentence.
QUIET = {"EINTR", "short", "end"}


def after_fault(bench, fault, run, folder):
    """Of a call that failed: how it ended, what it left, and what the next run makes of it."""
    what = fault.split(":")[1]
    name, path = run.trace[int(fault.split(":")[0]) - 1] if len(run.trace) >= int(fault.split(":")[0]) else ("", "")
    left = snapshot(folder)
    finds = []
    if run.status == 0:
        finds += differences("it ended well with", visible(left), visible(bench.after))
    elif run.status in STATUS_OF_USERS:
        finds += said(run.err, what, path)
    else:
        finds.append(f"status {run.status}: {last_line(run.err)}")
    return finds + half_files(bench, left) + next_run(bench, folder)


def after_kill(bench, run, folder):
    if run.status not in (0, -signal.SIGKILL):
        return [f"status {run.status}: {last_line(run.err)}"]
    return half_files(bench, snapshot(folder)) + next_run(bench, folder)


def after_signal(bench, run, folder):
    """Of a signal at a call: it ends by it, with a state, or had been done."""
    finds = []
    if run.status not in (0, 130, -signal.SIGTERM, -signal.SIGINT):
        finds.append(f"status {run.status}: {last_line(run.err)}")
    if run.status == 130 and "interrupted" not in run.err:
        finds.append(f"130 without a word: {last_line(run.err)}")
    left = snapshot(folder)
    if run.status == 130 and MODEL in left:  # of the best weights so far
        left[MODEL] = bench.after[MODEL]
        finds += [f"{MODEL} is half"] if bench.run(folder, ("info", MODEL)).status != 0 else []
    return finds + half_files(bench, left) + next_run(bench, folder)


def after_no_memory(bench, run, folder):
    finds = []
    if run.status == 0:
        finds += differences("it ended well with", visible(snapshot(folder)), visible(bench.after))
    elif run.status == 1 and "libgomp: Out of memory" in run.err:
        pass  # GNU's OpenMP ends the process itself
    elif run.status < 0 and re.search(f"faults: crashed in .*/({LIBRARIES})", run.err):
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
    finds += [f"{name} is gone" for name in visible(bench.before) if name in bench.after and name not in left]
    return finds


def next_run(bench, folder):
    """The same command again, or --mode.resume: the undisturbed result, and nothing beside."""
    left = snapshot(folder)
    done = not bench.case.fresh_result and visible(left) == visible(bench.after) and not bench.state(folder).exists()
    after = bench.again(folder)
    if after.status != 0:
        return [f"the next run ended with {after.status}: {last_line(after.err)}"]
    if done:  # the training had ended: another one goes on from its model
        return [f"left over: {name}" for name in snapshot(folder) if name not in bench.after]
    return differences("the next run has", snapshot(folder), bench.after)


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
