"""What the tests, compute-sanitizer and ncu print, read back."""
import re

# A call that answers so has no device any more: every later call of the process fails, too.
STICKY = re.compile(r"illegal memory access|misaligned address|unspecified launch failure|device-side assert|"
                    r"hardware stack error|illegal instruction|launch timed out|invalid program counter|uncorrectable ECC")


class Tests:
    """Of one or more processes of a GoogleTest program."""

    def __init__(self, outcomes, bound):
        self.passed = self.skipped = 0
        self.failed, self.troubles = [], []
        self.device_lost = False
        for outcome in outcomes:
            running, failed = "", len(self.failed)
            for line in outcome.lines:
                running = self._take(line, running)
            trouble = outcome.trouble(bound)
            if trouble and (running or len(self.failed) == failed or outcome.status < 0):
                self.troubles.append(trouble + (f" in {running}" if running else ""))
            self.device_lost |= bool(trouble and (outcome.status < 0 or any(map(STICKY.search, outcome.lines))))

    def _take(self, line, running):
        if line.startswith("[ RUN      ] "):
            return line[13:].strip()
        end = re.match(r"\[ +(OK|SKIPPED|FAILED) +\] (\S+?)(?:, where .*)? \(\d+ ms\)$", line)
        if not end:
            return running
        if end[1] == "OK":
            self.passed += 1
        elif end[1] == "SKIPPED":
            self.skipped += 1
        else:
            self.failed.append(end[2])
        return ""

    def text(self):
        parts = [f"{self.passed} passed", f"{len(self.failed)} failed"]
        parts += [f"{self.skipped} skipped"] if self.skipped else []
        parts += self.troubles[:3]
        return "; ".join(parts)

    def all_is_well(self):
        return self.passed > 0 and not self.failed and not self.troubles

    def details(self):
        return self.troubles[3:] + self.failed


class Complaints:
    """What one tool of compute-sanitizer complains of, counted by kernel.

    Of each kernel a few reports are kept for the log, without the frames of the host: there may be a report for every element
    that was read."""
    KEPT = 3
    _HEAD = re.compile(r"=+ (?=\S)(?!COMPUTE-SANITIZER)(?!.*SUMMARY)(.*)")
    # "at kernel(int)+0x90", "at 0x90 in kernel(int)"; racecheck says it in the head: "Write access at kernel(int)+0x90 and".
    _PLACE = re.compile(r"=+ +at (?:0x[0-9a-f]+ in )?(\S.*?)(?:\+0x[0-9a-f]+.*)?|=+ Error: .*? at (\S.*?)\+0x.*")

    def __init__(self):
        self.counts = {}  # {(what, kernel): reports}
        self._head, self._kept = None, True

    def take(self, line):
        """The lines of it, and of one held back before it, that are to be kept."""
        if not line.startswith("==="):
            return [line]  # of the program itself
        head = self._HEAD.fullmatch(line)
        if head:
            before = self._end()
            self._head = line
            return before + (self._place(line) if self._PLACE.fullmatch(line) else [])
        if self._head is not None:
            return (self._place(line) if self._PLACE.fullmatch(line) else self._end()) + self._detail(line)
        return self._detail(line)

    def end(self):
        return self._end()

    def _place(self, line):
        place = self._PLACE.fullmatch(line)
        kernel = kernel_name(place[1] or place[2])
        what = re.sub(r" between .*", "", self._HEAD.fullmatch(self._head)[1])
        return self._count(what, kernel)

    def _end(self):
        """A report that names no kernel: a call that failed."""
        return [] if self._head is None else self._count(self._HEAD.fullmatch(self._head)[1], "")

    def _count(self, what, kernel):
        self.counts[what, kernel] = self.counts.get((what, kernel), 0) + 1
        self._kept = self.counts[what, kernel] <= self.KEPT
        head, self._head = self._head, None
        return [head] if self._kept else []

    def _detail(self, line):
        if "SUMMARY" in line or "COMPUTE-SANITIZER" in line:
            return [line]
        host = re.search(r"Host Frame|host backtrace|^=+ {12,}in ", line)
        return [line] if self._kept and not host else []

    def texts(self, tool):
        """The most frequent first."""
        ordered = sorted(self.counts.items(), key=lambda item: -item[1])
        return [f"{tool}: {count} in {kernel or 'no kernel'}: {what}" for (what, kernel), count in ordered]


def kernel_name(text):
    """Without its arguments and what it gives back: "void a::b<(int)2>(float *)" is a::b<(int)2>."""
    text = text.removeprefix("void ")
    if not text.endswith(")"):
        return text
    depth = 0
    for place in range(len(text) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(text[place], 0)
        if depth == 0:
            return text[:place]
    return text


def sanitizer_line(tool, outcome, bound):
    """(whether it found nothing, a short text)."""
    summary = [line for line in outcome.lines if re.search(r"(ERROR|RACECHECK) SUMMARY", line)]
    trouble = outcome.trouble(bound)
    clean = not trouble and bool(summary)
    if summary:
        text = re.sub(r"^=+ *", "", summary[0])
    else:
        text = trouble or "no summary"
    return clean, f"{tool}: {text}" + (f", {trouble}" if summary and trouble else "")


def ncu_trouble(outcome, bound):
    """Why a run of ncu has no profile, or ''."""
    errors = [line for line in outcome.lines if "==ERROR==" in line]
    if errors:
        return re.sub(r"^.*==ERROR== *", "", errors[0])
    if outcome.trouble(bound):
        return outcome.trouble(bound)
    return "" if any("==PROF== Profiling" in line for line in outcome.lines) else "no kernel was profiled"
