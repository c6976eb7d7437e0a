"""The Python environment of the comparison: made once from requirements.txt, then this program goes on in it."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"
STAMP = "installed-requirements.txt"
INSIDE = "SLUICE_ACCURACY_ENVIRONMENT"


def make(folder: pathlib.Path) -> pathlib.Path:
    """The interpreter of an environment that has what requirements.txt says, made or brought up to date if it has not."""
    python = folder / "bin" / "python"
    stamp = folder / STAMP
    wanted = REQUIREMENTS.read_text(encoding="utf-8")
    if not (stamp.exists() and stamp.read_text(encoding="utf-8") == wanted and python.exists()):
        print(f"installing {REQUIREMENTS.name} in {folder}", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(REQUIREMENTS)],
                       check=True)
        stamp.write_text(wanted, encoding="utf-8")
    return python


def enter(folder: pathlib.Path) -> None:
    """Replaces this process by one of the environment's interpreter, unless it is that already."""
    python = make(folder)
    if os.environ.get(INSIDE) == str(folder):
        return
    os.environ[INSIDE] = str(folder)
    # One thread each: processor seconds are then those of the work, not of waiting.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", NIXTLA_ID_AS_COL="1")
    os.execv(str(python), [str(python), *sys.argv])
