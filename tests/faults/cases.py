"""What the tests of faults run: commands on a tiny catalogue, each with what it needs, in a folder of its own.

A case is run undisturbed once; then a fault is set at one of its calls (preload/plan.hpp), and after it the next run, as a
user makes it: the same command, and for a training whose state is there with --mode.resume true. What must hold then is in
judge.py.
"""
import dataclasses
import datetime
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import typing

STATUS_OF_USERS = (2, 3, 4)
SMALL = ("--network.hidden_size", "4", "--horizon", "3", "--training.steps", "40", "--training.checkpoint_seconds", "0")
PLAIN = ("--training.choice", "0", "--training.partners", "none")
CPU = ("--engine.threads", "1", "--engine.device", "cpu")
SPACE = "[tune.space]\ntraining.learning_rate = [0.001, 0.01]\n"
# Kept from a run, but neither compared nor required: what was said, with its times.
LOG = "runs/log.jsonl"


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    command: tuple
    setup: tuple = ()  # commands before it, undisturbed
    data: str = "sales.csv"
    stop: tuple = ()  # the command itself goes before it, interrupted at the middle one of such calls: name, end of the path
    threads: int = 1
    fresh_result: bool = True  # the same command, again, gives the same result


def train(*arguments, data="sales.csv", threads=1, **options):
    return Case(command=("train", data, *SMALL, *arguments, "--engine.device", "cpu", "--engine.threads", str(threads)), data=data,
                threads=threads, **options)


TRAIN = ("train", "sales.csv", *SMALL, *PLAIN, *CPU)
TUNE = ("tune", "space.toml", "sales.csv", *SMALL, *PLAIN, *CPU, "--trials", "2", "--tune.factor", "2", "--tune.rungs", "2")
ON = ("sales.csv", *CPU)
CASES = {case.name: case for case in (
    train(*PLAIN, name="train"),
    train(*PLAIN, name="resume", stop=("rename", ".state")),
    train(name="choice"),
    train(*PLAIN, "--training.seeds", "2", "--training.parallel_seeds", "2", name="seeds", threads=2),
    train(*PLAIN, "--mode.incremental", "true", name="incremental", setup=(TRAIN,), fresh_result=False),
    train(*PLAIN, "--training.carry_state", "true", name="carried"),
    train(*PLAIN, name="parquet", data="sales.parquet"),
    Case("forecast", ("forecast", "runs/model.safetensors", *ON), (TRAIN,)),
    Case("forecast_parquet", ("forecast", "runs/model.safetensors", *ON, "--path.forecast", "f.parquet"), (TRAIN,)),
    Case("forecast_gz", ("forecast", "runs/model.safetensors", *ON, "--path.forecast", "f.csv.gz"), (TRAIN,)),
    Case("forecast_samples", ("forecast", "runs/model.safetensors", *ON, "--path.forecast", "f.arrow", "--path.samples", "p.csv",
                              "--forecast.sums", "[2]", "--path.sums", "sums.csv", "--forecast.samples", "20"), (TRAIN,)),
    Case("evaluate", ("evaluate", "runs/model.safetensors", *ON, "--path.scores", "scores.csv", "--path.html", "page.html",
                      "--mode.figures", "false"), (TRAIN,)),
    Case("figures", ("evaluate", "runs/model.safetensors", *ON), (TRAIN,)),
    Case("simulate", ("simulate", "made.csv", "--stores", "1", "--items", "2", "--days", "40")),
    Case("simulate_parquet", ("simulate", "made.parquet", "--stores", "1", "--items", "2", "--days", "40")),
    Case("tune", TUNE),
    Case("tune_on", TUNE, stop=("fsync", ".journal")),
)}


class Call(typing.NamedTuple):
    name: str
    path: str


@dataclasses.dataclass(frozen=True)
class Run:
    status: int
    out: str
    err: str
    trace: tuple  # the Calls that were counted
    allocations_before: tuple  # each of them
    allocations: int


class Bench:
    """A case ready to be run again and again, in folders below `root`."""

    def __init__(self, case, root):
        self.case = case
        self.root = pathlib.Path(root)
        self.template = self.root / f"{case.name}.template"
        self.template.mkdir()
        sales(self.template / "sales.csv")
        (self.template / "space.toml").write_text(SPACE)
        if case.data.endswith(".parquet"):
            must(self.run(self.template, ("simulate", case.data, "--stores", "1", "--items", "3", "--days", "80")))
            (self.template / "sales.csv").unlink()
        for command in case.setup:
            must(self.run(self.template, command))
        shutil.rmtree(self.template / "runs/figures", ignore_errors=True)
        if case.stop:
            self.interrupt(*case.stop)
        self.before = snapshot(self.template)
        self.undisturbed, folder = self.trial()
        must(self.undisturbed)
        self.after = snapshot(folder)
        shutil.rmtree(folder)

    def interrupt(self, name, ending):
        """SIGTERM at the middle one of those calls."""
        counted = self.run(self.template, self.case.command, trace=True)
        calls = [n for n, (one, path) in enumerate(counted.trace, 1) if one == name and path.endswith(ending)]
        shutil.rmtree(self.template / "runs")
        stopped = self.run(self.template, self.case.command, fault=f"{calls[len(calls) // 2]}:SIGTERM")
        if stopped.status != 130:
            raise AssertionError(f"it was not interrupted: {stopped.status} {stopped.err}")

    @staticmethod
    def state(folder):
        return folder / "runs/model.safetensors.state"

    def command(self, folder):
        """The one that a user gives next."""
        resume = ("--mode.resume", "true") if self.case.command[0] == "train" and self.state(folder).exists() else ()
        return (*self.case.command, *resume)

    def trial(self, fault=None, memory=None, only=None):
        """Runs the case with a fault; its Run, and the folder, which is the caller's to remove."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{self.case.name}.", dir=self.root))
        shutil.copytree(self.template, folder, dirs_exist_ok=True)
        return self.run(folder, self.command(folder), fault=fault, memory=memory, only=only, trace=True), folder

    def again(self, folder):
        """The next run, with nothing in its way."""
        return self.run(folder, self.command(folder))

    def run(self, folder, command, fault=None, memory=None, only=None, trace=False):
        settings = {"LD_PRELOAD": library(), "FAULTS_FOLDER": str(folder), "OMP_WAIT_POLICY": "passive",
                    "OMP_NUM_THREADS": str(self.case.threads), "ARROW_DEFAULT_MEMORY_POOL": "system"}
        if fault:
            settings["FAULTS_CALL"] = fault
        if only:
            settings["FAULTS_ONLY"] = only
        if memory:
            settings["FAULTS_MEMORY"] = memory
        lines = self.root / f"trace.{folder.name}"
        if trace:
            settings["FAULTS_TRACE"] = str(lines)
        done = subprocess.run([program(), *command], cwd=folder, env={**os.environ, **settings}, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=120, check=False)
        calls, before, allocations = [], [], 0
        if trace:
            for line in lines.read_text().splitlines():
                name, made, *path = line.split(" ", 2)
                if name == "end":
                    allocations = int(made)
                else:
                    calls.append(Call(name, path[0]))
                    before.append(int(made))
            lines.unlink()
        return Run(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"), tuple(calls),
                   tuple(before), allocations)


def must(run):
    if run.status != 0:
        raise AssertionError(f"undisturbed, and ended with {run.status}: {run.err}")


def sales(path):
    """Three shops, 80 days."""
    first = datetime.date(2024, 1, 1)
    rows = [f"S{shop},{first + datetime.timedelta(day)},{10 + shop + (7 * day + 3 * shop) % 11}"
            for shop in range(3) for day in range(80)]
    path.write_text("\n".join(["unique_id,ds,y", *rows]) + "\n")


def snapshot(folder):
    """Digests of the files of `folder` by name, of all but what measured times make different."""
    return {path.relative_to(folder).as_posix(): digest(path, folder) for path in sorted(folder.rglob("*")) if not path.is_dir()}


def digest(path, folder):
    content = path.read_bytes().replace(str(folder).encode(), b"FOLDER")  # a model knows where its data were
    if path.name.endswith(".safetensors"):
        content = without_times(content)
    elif path.name.endswith(".journal"):
        content = b"\n".join(without_seconds(line) for line in content.splitlines())
    elif path.name == "report.json":
        content = without_seconds(content)
    elif path.name == "page.html":  # it draws the log, with its times
        content = b"page" if b"</html>" in content else content
    elif path.name == pathlib.PurePath(LOG).name:
        content = b""
    return hashlib.sha256(content).hexdigest()


def without_times(model):
    """Names, settings and numbers of a model; a file that is none as it is."""
    try:
        header, end = json.JSONDecoder().raw_decode(model[8:].decode("latin-1"))
        metadata = header["__metadata__"]
        metadata.pop("checksum")
        metadata["training"] = json.loads(metadata["training"])
        metadata["training"].pop("seconds")
        return json.dumps(header, sort_keys=True).encode() + model[8 + end:].lstrip(b" ")
    except (ValueError, KeyError):
        return model


def without_seconds(line):
    try:
        entry = json.loads(line)
    except ValueError:
        return line
    return json.dumps(timeless(entry), sort_keys=True).encode()


def timeless(entry):
    if isinstance(entry, list):
        return [timeless(one) for one in entry]
    if not isinstance(entry, dict):
        return entry
    return {key: timeless(value) for key, value in entry.items() if "seconds" not in key}


def program():
    return required("SLUICE_PROGRAM")


def library():
    return required("SLUICE_FAULTS")


def required(name):
    path = os.environ.get(name)
    if not path:
        raise RuntimeError(f"{name} is not set; CTest sets it, and scripts/faults")
    return path
