"""The results: one JSON file, an entry for each set, which a later run of some sets replaces one by one."""

from __future__ import annotations

import datetime
import json
import pathlib
import platform
import subprocess
from typing import Any

FORMAT = "sluice-accuracy-1"


def commit(root: pathlib.Path) -> str:
    """Of the working tree, with a mark where it has changes; "unknown" outside git."""
    done = subprocess.run(["git", "-C", root, "describe", "--always", "--dirty", "--abbrev=10"], capture_output=True, text=True,
                          check=False)
    return done.stdout.strip() if done.returncode == 0 else "unknown"


def processor() -> str:
    """Its name, as Linux has it."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def run_facts(program: pathlib.Path, root: pathlib.Path, command: str, seeds: int, threads: int) -> dict[str, Any]:
    """When, where and by what an entry was made."""
    info = subprocess.run([program, "info"], check=True, capture_output=True, text=True).stdout
    build = next((line.split(maxsplit=1)[1] for line in info.splitlines() if line.startswith("build")), "unknown")
    return {"date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(), "command": command,
            "program_commit": commit(program.resolve().parent), "scripts_commit": commit(root),
            "processor": processor(), "build": build, "python": platform.python_version(), "seeds": seeds, "threads": threads}


def read(path: pathlib.Path) -> dict[str, Any]:
    """The results of a file; empty ones where it does not exist. ValueError if it is something else."""
    if not path.exists():
        return {"format": FORMAT, "sets": {}}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if found.get("format") != FORMAT:
        raise ValueError(f"{path}: is no file of results ('format' is not {FORMAT}); name another one by --json")
    return found


def write(path: pathlib.Path, results: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps(results, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    unfinished.replace(path)
