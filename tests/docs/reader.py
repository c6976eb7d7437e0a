"""Somebody who reads a page and does what it says, block after block, in a folder of their own."""

import contextlib
import io
import os
import re
import shlex
import subprocess

# Lines whose numbers depend on the processor, through a training, or on the clock: their words and dates are compared.
MEASURED = re.compile(r"(?:sluice|ETS|ETS \+ Theta|time|methods) {2,}|skill over |[^,]+,\d{4}-\d\d-\d\d,|\d+ +S\d+/I\d+ |day \d+: ")
FILE_SUFFIX = {"csv": ".csv", "c": ".c", "toml": ".toml", "cmake": "CMakeLists.txt"}
BLOCK_SECONDS = 300


class Reader:
    """`folder` is where the page's commands are run, which is also their home. `program`: so that `sluice` finds it."""

    def __init__(self, page, folder, environment):
        self.page = page
        self.folder = folder
        self.environment = {**environment, "HOME": str(folder)}
        self.state = folder / ".reader"
        self.state.write_text("")
        self.said = []  # lines, of all blocks so far
        self.world = {"__name__": "__main__"}

    def read(self, block):
        """Does what the block says; AssertionError with its place if a command fails, or what the page shows differs.
        Python's errors are as they come."""
        known = {"sh": self.run_shell, "python": self.run_python, "diff": self.run_python, "text": self.compare}
        if block.language in known:
            known[block.language](block)
        elif block.language in FILE_SUFFIX:
            self.write_file(block)
        else:
            self.fail(block, f"a block of {block.language or 'no language'}: tag what runs as sh or python, what it "
                      f"prints as text, files as {', '.join(FILE_SUFFIX)}; or name it in exceptions.py")

    def fail(self, block, why):
        raise AssertionError(f"{self.page.name}:{block.line}: {why}")

    def run_shell(self, block, status=0):
        # A shell of its own for each block, in which what the blocks before it exported holds.
        script = (f"source {self.state}\ntrap '{{ export -p; printf \"cd %q\\n\" \"$PWD\"; }} >{self.state}' EXIT\n"
                  + block.code)
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=self.folder, env=self.environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=BLOCK_SECONDS, check=False)
        self.said += done.stdout.splitlines()
        if done.returncode != status:
            self.fail(block, f"status {done.returncode}, not {status}:\n{block.code}\n{done.stdout[-2000:]}"
                      f"{done.stderr[-2000:]}")
        return done.stderr

    def run_python(self, block):
        code = block.code
        if block.language == "diff":  # the side that has our lines
            code = "".join(line[1:] for line in code.splitlines(keepends=True) if not line.startswith("-"))
        # Compiled at its place, so that an error shows the line of the page.
        code = "\n" * (block.line - 1) + code
        out, here = io.StringIO(), os.getcwd()
        os.chdir(self.folder)
        try:
            with contextlib.redirect_stdout(out):
                exec(compile(code, self.page.name, "exec"), self.world)
        finally:
            os.chdir(here)
        self.said += out.getvalue().splitlines()

    def write_file(self, block):
        """Under the first name of its kind that the next commands have and that is no file yet."""
        later = [each for each in self.page.blocks if each.line > block.line and each.language == "sh"]
        suffix = FILE_SUFFIX[block.language]
        words = shlex.split(later[0].code, comments=True) if later else []
        names = [word for word in words if word.endswith(suffix) and not (self.folder / word).exists()]
        if not names:
            self.fail(block, f"no command after it reads a new file *{suffix}")
        (self.folder / names[0]).write_text(block.code, encoding="utf-8")

    def compare(self, block):
        """That these lines were printed, one after the other. A line "..." stands for any number of them, the "…" that ends
        one for the rest of it."""
        parts = [[]]
        for line in block.code.splitlines():
            parts.append([]) if line.strip() == "..." else parts[-1].append(line)
        start = 0
        for part in filter(None, parts):
            places = [at for at in range(start, len(self.said) - len(part) + 1)
                      if all(same(*pair) for pair in zip(part, self.said[at:]))]
            if not places:
                near = next((at for at in range(len(self.said)) if same(part[0], self.said[at])), 0)
                shown = "\n".join(self.said[near:near + len(part)])
                self.fail(block, "the page shows\n" + "\n".join(part) + f"\nand what was printed is\n{shown}")
            start = places[0] + len(part)


def same(shown, printed):
    if shown.split() == printed.split() or shown.endswith("…") and printed.startswith(shown[:-1]):
        return True
    return bool(MEASURED.match(shown) and MEASURED.match(printed)) and shape(shown) == shape(printed)


def shape(line):
    """The line with its numbers taken out, but those of dates and names."""
    words = re.split(r"[\s,()]+", line.strip())
    return [re.sub(r"^[+-]?\d+(\.\d+)?(e[+-]\d+)?(?=\D?$)", "#", word) for word in words]
