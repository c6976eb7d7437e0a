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
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import typing

STATUS_OF_USERS = (2, 3, 4)
HUNG = -1000
SMALL = ("--network.hidden_size", "4", "--horizon", "3", "--training.steps", "40", "--training.checkpoint_seconds", "0")
PLAIN = ("--training.choice", "0", "--training.partners", "none")
CPU = ("--engine.threads", "1", "--engine.device", "cpu")
SPACE = "[tune.space]\ntraining.learning_rate = [0.001, 0.01]\n"
# Kept from a run, but neither compared nor required: what was said, with its times.
LOG = "runs/log.jsonl"
MODEL = "runs/model.safetensors"


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    command: tuple
    setup: tuple = ()  # commands before it, undisturbed
    data: str = "sales.csv"
    stop: tuple = ()  # the command itself goes before it, interrupted at the middle one of such calls: name, end of the path
    placed: tuple = ()  # commands in each folder anew, undisturbed: what they write has its path
    grows: bool = False  # the data get a day after these
    threads: int = 1
    ranks: int = 1  # processes of an MPI job
    fresh_result: bool = True  # the same command, again, gives the same result
    replaces: str = ""  # a directory of parts, which go before the new ones are there


def train(*arguments, data="sales.csv", threads=1, **options):
    return Case(command=("train", data, *SMALL, *arguments, "--engine.device", "cpu", "--engine.threads", str(threads)), data=data,
                threads=threads, **options)


TRAIN = ("train", "sales.csv", *SMALL, *PLAIN, *CPU)
TUNE = ("tune", "space.toml", "sales.csv", *SMALL, *PLAIN, *CPU, "--trials", "2", "--tune.factor", "2", "--tune.rungs", "2")
ON = ("sales.csv", *CPU)
CONVERT = ("convert", "sales.csv", "sales.slc")


def parts(series, *more, data="sales.csv"):
    return ("forecast", MODEL, data, *CPU, "--path.forecast", "parts/", "--forecast.part_series", str(series), "--mode.log_file", "false", *more)


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
    Case("convert", CONVERT),
    Case("convert_again", CONVERT, placed=(CONVERT,), grows=True),
    Case("convert_parquet", ("convert", "sales.parquet", "sales.slc", "--data.future", "price"), data="sales.parquet"),
    Case("train_slc", ("train", "sales.slc", *SMALL, *PLAIN, *CPU), placed=(CONVERT,)),
    Case("forecast_slc", ("forecast", "runs/model.safetensors", "sales.slc", *CPU), (TRAIN,), placed=(CONVERT,)),
    # The data have changed since they were converted, and are converted again.
    Case("renew_train", ("train", "sales.slc", *SMALL, *PLAIN, *CPU), placed=(CONVERT,), grows=True),
    Case("renew_forecast", ("forecast", "runs/model.safetensors", "sales.slc", *CPU), (TRAIN,), placed=(CONVERT,), grows=True),
    Case("parts", parts(1), (TRAIN,)),
    Case("parts_on", parts(1), (TRAIN,), stop=("rename", ".parquet")),
    Case("parts_replace", parts(1, "--forecast.replace", "true"), (TRAIN, parts(2)), replaces="parts/"),
    Case("parts_slc", parts(1, data="sales.slc"), (TRAIN,), placed=(CONVERT,)),
    train(*PLAIN, name="ranks_train", ranks=2),
    train(*PLAIN, name="ranks_resume", ranks=2, stop=("rename", ".state")),
    Case("ranks_train_slc", ("train", "sales.slc", *SMALL, *PLAIN, *CPU), placed=(CONVERT,), grows=True, ranks=2),
    Case("ranks_parts", parts(1), (TRAIN,), ranks=2),
)}


class Call(typing.NamedTuple):
    name: str
    path: str


@dataclasses.dataclass(frozen=True)
class Fault:
    """One of these, met by one process."""
    call: str | None = None  # FAULTS_CALL
    memory: str | None = None  # FAULTS_MEMORY
    moment: int | None = None  # FAULTS_MOMENT
    only: str | None = None  # FAULTS_ONLY
    rank: int = 0

    def __str__(self):
        what = self.call or (f"allocation {self.memory}" if self.memory else f"after {self.moment} us")
        return f"rank {self.rank}: {what}" if self.rank else what

    def settings(self):
        named = {"FAULTS_CALL": self.call, "FAULTS_MEMORY": self.memory, "FAULTS_MOMENT": self.moment, "FAULTS_ONLY": self.only}
        return {name: str(value) for name, value in named.items() if value is not None}


@dataclasses.dataclass(frozen=True)
class Run:
    status: int
    out: str
    err: str
    trace: tuple  # the Calls that were counted
    allocations_before: tuple  # each of them
    allocations: int
    microseconds: int


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
        folder = self.place()
        self.before = snapshot(folder)
        shutil.rmtree(folder)
        # Of each process: all of them have the same result.
        self.undisturbed_of = []
        for rank in range(case.ranks):
            run, folder = self.trial(Fault(rank=rank))
            must(run)
            self.undisturbed_of.append(run)
            self.after = snapshot(folder)
            self.model_after = weights(folder / MODEL)
            shutil.rmtree(folder)
        self.undisturbed = self.undisturbed_of[0]

    def interrupt(self, name, ending):
        """SIGTERM at the middle one of those calls."""
        counted, folder = self.trial()
        shutil.rmtree(folder)
        calls = [n for n, (one, path) in enumerate(counted.trace, 1) if one == name and path.endswith(ending)]
        fault = Fault(call=f"{calls[len(calls) // 2]}:SIGTERM")
        # Another thread takes the signal: on a busy machine what is left to do may be done before.
        for _ in range(20):
            folder = self.root / f"{self.case.name}.stopped"
            shutil.copytree(self.template, folder)
            stopped = self.run(folder, self.case.command, fault, ranks=self.case.ranks)
            if stopped.status == 130:
                shutil.rmtree(self.template)
                folder.rename(self.template)
                return
            shutil.rmtree(folder)
        raise AssertionError(f"it was not interrupted: {stopped.status} {stopped.err}")

    @staticmethod
    def state(folder):
        return folder / f"{MODEL}.state"

    def command(self, folder):
        """The one that a user gives next."""
        resume = ("--mode.resume", "true") if self.case.command[0] == "train" and self.state(folder).exists() else ()
        return (*self.case.command, *resume)

    def place(self):
        """A folder with what the case begins with, which is the caller's to remove."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{self.case.name}.", dir=self.root))
        shutil.copytree(self.template, folder, dirs_exist_ok=True)
        for command in self.case.placed:
            must(self.run(folder, command))
        if self.case.grows:
            grow(folder / self.case.data)
        return folder

    def trial(self, fault=Fault()):
        """Runs the case with a fault; its Run, and the folder, which is the caller's to remove."""
        folder = self.place()
        return self.run(folder, self.command(folder), fault, trace=True, ranks=self.case.ranks), folder

    def again(self, folder, ranks=None):
        """The next run, with nothing in its way."""
        return self.run(folder, self.command(folder), ranks=ranks or self.case.ranks)

    def run(self, folder, command, fault=Fault(), trace=False, ranks=1):
        settings = {"LD_PRELOAD": library(), "FAULTS_FOLDER": str(folder), "OMP_WAIT_POLICY": "passive",
                    "OMP_NUM_THREADS": str(self.case.threads), "ARROW_DEFAULT_MEMORY_POOL": "system", **fault.settings()}
        lines = self.root / f"trace.{folder.name}"
        if trace:
            settings["FAULTS_TRACE"] = str(lines)
        words, environment = [program(), *command], {**os.environ, **settings}
        if ranks > 1:  # the processes, and not what starts them
            settings["FAULTS_RANK"] = str(fault.rank)
            words = [*mpirun(), "-n", str(ranks), *(word for one in settings.items() for word in ("-x", "=".join(one))), *words]
            environment = None
        status, out, err = ended(words, folder, environment)
        calls, before, allocations, microseconds = [], [], 0, 0
        if trace:
            for line in lines.read_text(errors="replace").splitlines() if lines.exists() else []:
                name, made, *more = line.split(" ", 2)
                if name == "end":
                    allocations, microseconds = int(made), int(more[0])
                else:
                    calls.append(Call(name, more[0]))
                    before.append(int(made))
            lines.unlink(missing_ok=True)
        return Run(status, out, err, tuple(calls), tuple(before), allocations, microseconds)


def ended(words, folder, environment):
    """Status, output and errors of a process; HUNG where it was not through after two minutes, and was ended with all that it started."""
    process = subprocess.Popen(words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True)
    try:
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return HUNG, *process.communicate()


def must(run):
    if run.status != 0:
        raise AssertionError(f"undisturbed, and ended with {run.status}: {run.err}")


def sales(path):
    """Three shops, 80 days."""
    first = datetime.date(2024, 1, 1)
    rows = [f"S{shop},{first + datetime.timedelta(day)},{10 + shop + (7 * day + 3 * shop) % 11}"
            for shop in range(3) for day in range(80)]
    path.write_text("\n".join(["unique_id,ds,y", *rows]) + "\n")


def grow(path):
    """Another day of each shop, at a time of change that is always the same."""
    path.write_text(path.read_text() + "".join(f"S{shop},2024-03-21,{20 + shop}\n" for shop in range(3)))
    os.utime(path, ns=(2 * 10**18, 2 * 10**18))


def weights(model):
    """The numbers of a model's tensors of floats, in the order of their names; none where there is no model."""
    if not model.exists():
        return []
    data = model.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    numbers = []
    for name in sorted(header.keys() - {"__metadata__"}):
        if header[name]["dtype"] == "F32":
            begin, end = header[name]["data_offsets"]
            numbers += struct.unpack(f"<{(end - begin) // 4}f", data[8 + size + begin:8 + size + end])
    return numbers


def snapshot(folder):
    """Digests of the files of `folder` by name, of all but what measured times make different."""
    return {path.relative_to(folder).as_posix(): digest(path, folder) for path in sorted(folder.rglob("*")) if not path.is_dir()}


def digest(path, folder):
    content = path.read_bytes().replace(str(folder).encode(), b"FOLDER")  # a model knows where its data were
    if path.name.endswith(".slc"):  # its checksum is of the names of its files, too
        content = re.sub(rb"[0-9a-f]{16}(?=\0.{0,8}sluice\.checksum)", b"CHECKSUM", content, flags=re.DOTALL)
    elif path.name.endswith(".safetensors"):
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


def mpirun():
    """The command that starts several processes of this machine; none where the build has no MPI."""
    return os.environ.get("SLUICE_MPIRUN", "").split()


def library():
    return required("SLUICE_FAULTS")


def required(name):
    path = os.environ.get(name)
    if not path:
        raise RuntimeError(f"{name} is not set; CTest sets it, and scripts/faults")
    return path
