"""The built program in a directory of its own: what a test of the whole program begins with.

    from program import Program

    class Check(Program):
        def test_counts_the_rows(self):
            self.write("a.csv", "ds,y\\n2024-01-01,1\\n2024-01-02,2\\n")
            result = self.sluice("check", "a.csv")
            self.assertEqual(result.status, 0, result.err)

The program's path is in the environment variable SLUICE_PROGRAM, which CTest sets; without it a test
fails rather than passing over what it promises.
"""
import dataclasses
import datetime
import os
import pathlib
import subprocess
import tempfile
import unittest


@dataclasses.dataclass(frozen=True)
class Result:
    status: int  # as a shell has it; a signal is negative
    out: str
    err: str


class Program(unittest.TestCase):
    """A test case whose self.folder is the working directory of what it runs; removed afterwards."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice_app_")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, content):
        """Writes text or bytes as the file `name` of the working directory, and gives its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            content = content.encode()
        path.write_bytes(content)
        return path

    def read(self, name):
        return (self.folder / name).read_text()

    def daily(self, name, days, columns="ds,y", value=lambda day: 10 + day % 7, start="2024-01-01"):
        """Writes a series of one row a day: its date, then `value(day)`, which may be "a,b"."""
        first = datetime.date.fromisoformat(start)
        rows = [f"{first + datetime.timedelta(day)},{value(day)}" for day in range(days)]
        return self.write(name, "\n".join([columns, *rows]) + "\n")

    def sluice(self, *arguments, env=None, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
               stderr=subprocess.PIPE, before=None, timeout=60):
        """Runs the program with the arguments and waits for it.

        env: variables beside those of this process. before: called in the child, as for limits."""
        done = subprocess.run([program(), *map(str, arguments)], cwd=self.folder, stdin=stdin,
                              stdout=stdout, stderr=stderr, env={**os.environ, **(env or {})},
                              preexec_fn=before, timeout=timeout, check=False)
        return Result(done.returncode, *(text_of(stream) for stream in (done.stdout, done.stderr)))

    def ok(self, *arguments, **options):
        """Runs the program, which must succeed."""
        result = self.sluice(*arguments, **options)
        self.assertEqual(result.status, 0, result.err)
        return result

    def train(self, *arguments, **options):
        """A training of a few steps of a small network: a model, not a good one."""
        return self.ok("train", *arguments, "--training.steps", "4", "--network.hidden_size", "4",
                       "--engine.threads", "1", "--engine.device", "cpu", **options)


def program():
    path = os.environ.get("SLUICE_PROGRAM")
    if not path:
        raise RuntimeError("SLUICE_PROGRAM is not set; give it the path of the built sluice")
    return path


def text_of(stream):
    return "" if stream is None else stream.decode(errors="surrogateescape")
