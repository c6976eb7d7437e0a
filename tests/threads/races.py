"""What the thread sanitizer reported, without what it cannot know: scripts/threads runs this on its folder of reports.

    python3 -B tests/threads/races.py build/tsan/races

Arrow, oneDNN and OpenMP are compiled without the sanitizer. Of what they do it sees the calls of functions that it
watches (memcpy, delete, pthread_mutex_lock, ...) and the locks, not the atomic counters by which they agree on who is
the last to let go of something. So a report in which such a library itself made one of the two accesses is left out; one
that our code made stays, also where such a library called it. Exit status 0: nothing is left.
"""
import collections
import pathlib
import re
import sys

ACCESS = re.compile(r"^  (?:Previous )?(?:atomic )?(?:read|write) of size", re.IGNORECASE)
FRAME = re.compile(r"^    #(\d+) (.*) \(([^()]+)\+0x[0-9a-f]+\)(?: \(BuildId: [0-9a-f]+\))?$")
# Between the function that is watched and who called it.
PASSED_OVER = ("libstdc++", "libc.so", "libm.so")


def reports_of(text):
    return [part for part in text.split("==================\n") if "WARNING: ThreadSanitizer" in part]


def stacks_of(report):
    """Of each of the two accesses its frames: the text and the file of the code."""
    stacks, inside = [], False
    for line in report.splitlines():
        if re.match(r"^  \S", line):
            inside = bool(ACCESS.match(line))
            if inside:
                stacks.append([])
        frame = FRAME.match(line)
        if inside and frame:
            stacks[-1].append((frame[2], frame[3]))
    return stacks


def is_ours(module):
    return not module.startswith("lib") or module.startswith("libsluice")


def is_delete(frame):
    return frame.startswith(("operator delete", "free "))


def caller(stack):
    """The frame that made an access: that which called the watched function, if it was one of these."""
    frames = list(stack)
    if frames and frames[0][0].endswith("<null>") and is_ours(frames[0][1]):
        frames.pop(0)  # the sanitizer's own function, which lies in the program
        if is_delete(stack[0][0]):
            while frames and "/include/c++/" in frames[0][0]:
                frames.pop(0)  # the standard library's, compiled as a part of ours
    while frames and frames[0][1].startswith(PASSED_OVER):
        frames.pop(0)
    return frames[0] if frames else ("not known", "")


def counts(report):
    """Whether our code made both accesses; what is no race of two accesses counts."""
    stacks = stacks_of(report)
    return not stacks or all(is_ours(caller(stack)[1]) for stack in stacks)


def main(folder):
    files = sorted(pathlib.Path(folder).glob("race.*"))
    every = [report for file in files for report in reports_of(file.read_text(errors="replace"))]
    ours = [report for report in every if counts(report)]
    places = collections.defaultdict(list)
    for report in ours:
        places[tuple(re.sub(r"0x[0-9a-f]+", "", caller(stack)[0]) for stack in stacks_of(report))].append(report)
    for same in places.values():
        print(f"{len(same)} times:\n{same[0]}")
    print(f"{len(files)} processes with reports, {len(every)} reports: {len(every) - len(ours)} of accesses by libraries that are "
          f"not instrumented, {len(ours)} others in {len(places)} places")
    return 1 if ours else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
