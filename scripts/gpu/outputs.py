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


def sanitizer_line(tool, outcome, bound):
    """(whether it found nothing, a short text)."""
    summary = [line for line in outcome.lines if re.search(r"(ERROR|RACECHECK) SUMMARY", line)]
    trouble = outcome.trouble(bound)
    clean = not trouble and bool(summary)
    if summary:
        text = re.sub(r"^=+ *", "", summary[-1])
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
