"""Completion as each shell does it: bash, zsh and fish run the scripts that the program prints."""
import os
import pathlib
import pty
import select
import shutil
import subprocess
import time
import unittest

from program import Program, program

BASH = r"""
source "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
_sluice sluice "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
for word in "${COMPREPLY[@]}"; do printf '%s\n' "$word"; done
"""


class Completion(Program):
    def setUp(self):
        super().setUp()
        self.scripts = {shell: self.write(shell, self.ok("completion", shell).out)
                        for shell in ("bash", "zsh", "fish")}

    def need(self, shell):
        if shutil.which(shell) is None:
            self.skipTest(f"{shell} is not installed")

    def bash(self, *words):
        """What bash offers for the last of the words."""
        done = subprocess.run(["bash", "--norc", "-c", BASH, "bash", self.scripts["bash"], "sluice", *words],
                              capture_output=True, text=True, check=True, cwd=self.folder)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def fish(self, line):
        done = subprocess.run(["fish", "--no-config", "-c", f"source {self.scripts['fish']}; complete -C {line!r}"],
                              capture_output=True, text=True, check=True, cwd=self.folder,
                              env={**os.environ, "HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)})
        self.assertEqual(done.stderr, "")
        return [offer.split("\t")[0] for offer in done.stdout.splitlines()]

    def keys(self):
        text = self.ok("explain").out
        return [line.split(" = ")[0].strip() for line in text.splitlines() if line.startswith("  ") and line[2] != " "]

    def commands(self):
        lines = self.ok("--help").out.split("Subcommands:")[1].split("Begin:")[0].splitlines()
        return [line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "]

    def test_bash_offers_every_command_at_the_first_word(self):
        self.assertGreater(len(self.commands()), 8)
        self.assertEqual(self.bash(""), self.commands())

    def test_bash_offers_every_key_as_a_flag_of_a_command_with_settings(self):
        flags = self.bash("train", "--")
        self.assertGreater(len(self.keys()), 100)
        for key in self.keys():
            self.assertIn("--" + key, flags)
        self.assertIn("--quiet", flags)
        self.assertEqual(self.bash("info", "--"), ["--help", "--signature"])

    def test_bash_offers_the_words_of_a_key_that_has_a_fixed_set(self):
        self.assertEqual(self.bash("train", "--engine.device", ""), ["auto", "cpu", "cuda"])
        self.assertEqual(self.bash("train", "--engine.device", "=", "c"), ["cpu", "cuda"])
        self.assertEqual(self.bash("train", "--engine.device", "="), ["auto", "cpu", "cuda"])
        self.assertEqual(self.bash("evaluate", "--network.forking", ""), ["true", "false", "auto"])
        self.assertEqual(self.bash("train", "--accelerator", ""), ["auto", "cpu", "cuda"])
        self.assertEqual(self.bash("train", "--training.steps", ""), [])
        self.assertEqual(self.bash("simulate", "--schema", ""), ["catalog", "article"])

    def test_bash_knows_what_other_programs_call_a_key(self):
        self.assertEqual(self.bash("train", "--hori"), ["--horizon"])

    def test_bash_offers_what_an_argument_can_be(self):
        self.assertEqual(self.bash("completion", ""), ["bash", "zsh", "fish"])
        self.assertEqual(self.bash("explain", "engine.pr"), ["engine.precision"])
        self.assertEqual(self.bash("manual", "fore"), ["forecast"])
        self.assertEqual(self.bash("train", "--quiet", ""), [])  # files, by bash itself

    def test_bash_asks_it_to_complete_the_program(self):
        done = subprocess.run(["bash", "--norc", "-c", 'source "$1"; complete -p sluice', "bash", self.scripts["bash"]],
                              capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout, "complete -o default -F _sluice sluice\n")

    def test_fish_offers_commands_flags_and_words(self):
        self.need("fish")
        self.assertEqual(sorted(self.fish("sluice ")), sorted(self.commands()))
        flags = self.fish("sluice train --")
        for key in self.keys():
            self.assertIn("--" + key, flags)
        self.assertEqual(sorted(self.fish("sluice train --engine.device ")), ["auto", "cpu", "cuda"])
        self.assertEqual(self.fish("sluice explain engine.pr"), ["engine.precision"])
        self.assertEqual(self.fish("sluice info --quie"), [])
        self.write("sales.csv", "")
        self.assertIn("sales.csv", self.fish("sluice train sal"))
        self.assertIn("sales.csv", self.fish("sluice train --path.data sal"))

    def test_zsh_completes_commands_flags_and_words_on_a_terminal(self):
        self.need("zsh")
        self.write("sales.csv", "")
        with Terminal(["zsh", "-f", "-i"], self.folder) as zsh:
            zsh.type("PS1='> ' PROMPT_EOL_MARK=''; autoload -Uz compinit; compinit -u -D; "
                     f"source {self.scripts['zsh']}; echo rea''dy\n", "ready")
            zsh.type("sluice fore\t", "sluice forecast ")
            zsh.type("--engine.prec\t", "--engine.precision")
            zsh.type(" bf\t", "bf16 ")
            zsh.type("sal\t", "sales.csv ")
            zsh.type("\x15sluice explain engine.pr\t", "engine.precision ")
            zsh.type("\x15sluice completion f\t", "completion fish ")


class Terminal:
    """A shell on a terminal of its own."""

    def __init__(self, command, folder):
        self.command, self.folder = command, folder

    def __enter__(self):
        self.child, self.screen = pty.fork()
        if self.child == 0:
            os.chdir(self.folder)
            os.execvpe(self.command[0], self.command, {**os.environ, "TERM": "dumb", "HOME": str(self.folder)})
        return self

    def __exit__(self, *_):
        os.close(self.screen)  # the shell gets a hang-up
        os.waitpid(self.child, 0)

    def type(self, keys, shows, patience=20):
        """Types, and waits until what comes has `shows` in it; a screen without it fails."""
        os.write(self.screen, keys.encode())
        text, end = "", time.monotonic() + patience
        while shows not in text:
            ready, _, _ = select.select([self.screen], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise AssertionError(f"after {keys!r} the terminal has no {shows!r} but {text!r}")
            text += os.read(self.screen, 4096).decode(errors="replace")


class Shells(Program):
    def test_another_shell_is_answered_with_those_there_are(self):
        result = self.sluice("completion", "tcsh")
        self.assertEqual(result.status, 2)
        self.assertIn("tcsh not in {bash,zsh,fish}", result.err)


if __name__ == "__main__":
    unittest.main()
