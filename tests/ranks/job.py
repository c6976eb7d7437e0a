"""A job of several processes: the built program under mpirun, in a directory of its own.

CTest sets SLUICE_PROGRAM and SLUICE_MPIRUN, the command that starts processes of this machine, as
"/usr/bin/mpiexec --allow-run-as-root --oversubscribe".
"""
import json
import os
import pathlib
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "app"))
import program

SMALL = {"training.steps": 40, "training.steps_per_epoch": 10, "training.batch_size": 12, "training.choice": 0,
         "training.partners": "none", "training.final_fit": "false", "network.hidden_size": 6, "network.time_step": 12,
         "engine.threads": 1, "engine.device": "cpu"}


def small(**settings):
    """A training of a second, as arguments; of others training_steps=5 is training.steps."""
    return [word for key, value in {**SMALL, **{key.replace("_", ".", 1): value for key, value in settings.items()}}.items()
            for word in ("--" + key, str(value))]


def children(pid):
    """The processes that `pid` has started, and theirs."""
    found = []
    for task in os.listdir("/proc"):
        if not task.isdigit():
            continue
        try:
            with open(f"/proc/{task}/stat") as stat:
                parent = int(stat.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        if parent == pid:
            found += [int(task), *children(int(task))]
    return found


def ranks_of(process):
    """The ranks of a job, ascending."""
    found = {}
    for pid in children(process.pid):
        try:
            with open(f"/proc/{pid}/environ") as environ:
                variables = dict(v.partition("=")[::2] for v in environ.read().split("\0"))
        except OSError:
            continue
        if "OMPI_COMM_WORLD_RANK" in variables:
            found[int(variables["OMPI_COMM_WORLD_RANK"])] = pid
    return [found[rank] for rank in sorted(found)]


class Job(program.Program):
    def mpirun(self, ranks):
        """The beginning of a command line: so many ranks, each with a thread, wherever it runs."""
        return [*os.environ["SLUICE_MPIRUN"].split(), "-n", str(ranks)]

    def start(self, ranks, *arguments):
        """Starts the program as so many ranks; without mpirun where it is one."""
        command = [program.program(), *map(str, arguments)]
        return subprocess.Popen(command if ranks == 1 else [*self.mpirun(ranks), *command], cwd=self.folder,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run_job(self, ranks, *arguments, status=0):
        """Runs it, which must end with the status; gives what it said."""
        process = self.start(ranks, *arguments)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, status, err)
        return out + err

    def curve(self, log):
        """Of a training's log: train and validation loss, epoch by epoch."""
        events = [json.loads(line) for line in self.read(log).splitlines()]
        return [(e["train_loss"], e["valid_loss"]) for e in events if e.get("event") == "epoch"]

    def weights(self, model):
        """The tensors of a model file, as one list of numbers."""
        data = (self.folder / model).read_bytes()
        size = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8:8 + size])
        numbers = []
        for name in sorted(header):
            if name == "__metadata__" or header[name]["dtype"] != "F32":
                continue
            begin, end = header[name]["data_offsets"]
            numbers += struct.unpack(f"<{(end - begin) // 4}f", data[8 + size + begin:8 + size + end])
        return numbers

    def assert_near(self, found, wanted, relative):
        """Each number of two lists of numbers or tuples, relative to the larger one and 1e-3 at least."""
        self.assertEqual(len(found), len(wanted))
        for a, b in zip(flat(found), flat(wanted)):
            self.assertLessEqual(abs(a - b), relative * max(abs(a), abs(b), 1e-3), f"{a} {b}")


def flat(numbers):
    """Without what is None: a loss of a phase that has no validation."""
    for number in numbers:
        yield from (one for one in (number if isinstance(number, tuple) else (number,)) if one is not None)
