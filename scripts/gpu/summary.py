"""summary.txt: what passed, what failed, the table, and where the time ended; whole after every step."""
import contextlib
import dataclasses
import os
import textwrap
import time

from gpu import child, table

PASSED, FAILED, LEFT_OUT, NOT_BEGUN = "passed", "FAILED", "left out", "not begun"
MOST_DETAILS = 40
COLUMNS = 80


def wrapped(text, start, indent):
    """`start` and the text, in lines of 80 columns; the later ones after `indent` blanks. A long word stays whole."""
    return textwrap.fill(text, COLUMNS, initial_indent=start, subsequent_indent=" " * indent, break_long_words=False,
                         break_on_hyphens=False) or start.rstrip()


@dataclasses.dataclass
class Result:
    state: str
    text: str
    details: list = dataclasses.field(default_factory=list)  # names of what failed


@dataclasses.dataclass
class _Entry:
    name: str
    file: str
    at: float
    seconds: float
    result: Result


class Summary:
    def __init__(self, folder, begin, head):
        self.folder, self.begin, self.head = folder, begin, head
        self.entries, self.running, self.end = [], "", ""
        self.write()

    def start(self, name):
        self.running = f"running: {name}, since {time.monotonic() - self.begin:.0f} s"
        self.write()

    def add(self, name, file, at, result):
        self.running = ""
        self.entries.append(_Entry(name, file, at - self.begin, time.monotonic() - at, result))
        self.write()
        return self._line(self.entries[-1])

    def close(self, end):
        self.end, self.running = end, ""
        self.write()

    def failed(self):
        return [entry.name for entry in self.entries if entry.result.state == FAILED]

    @staticmethod
    def _line(entry):
        start = f"{entry.at:>6.0f}{entry.seconds:>7.0f}  {entry.name:<20}{entry.result.state:<11}"
        return wrapped(entry.result.text + (f" ({entry.file})" if entry.result.state in (PASSED, FAILED) else ""), start, 17)

    def text(self):
        lines = [*self.head, "", f"{'at s':>6}{'took':>7}  step"]
        lines += [self._line(entry) for entry in self.entries]
        lines += [wrapped(line, "", 2) for line in (self.running, self.end) if line]
        for entry in self.entries:
            details = entry.result.details
            if details:
                lines += ["", f"{entry.name}:"] + [wrapped(detail, "  ", 4) for detail in details[:MOST_DETAILS]]
                if len(details) > MOST_DETAILS:
                    lines.append(f"  and {len(details) - MOST_DETAILS} more in {entry.file}")
        lines += ["", *table.tables(self.folder / "bench.jsonl", self.folder / "pytorch.jsonl")]
        return "\n".join(lines).rstrip() + "\n"

    def write(self):
        """Beside the file and then in its place: there is a whole one at every moment."""
        path = self.folder / "summary.txt"
        beside = self.folder / ".summary.new"
        try:
            beside.write_text(self.text(), encoding="utf-8", errors="backslashreplace")
            os.replace(beside, path)
        except OSError as error:
            with contextlib.suppress(OSError):
                beside.unlink()
            raise child.not_written(path, error) from error
