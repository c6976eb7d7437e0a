"""Names from elsewhere - of files, columns, series, and the settings inside a model - are texts: none of them
reaches a shell, a plotting script, a terminal or another path than it may."""
import json
import os
import pathlib
import re
import struct
import subprocess
import unittest

from program import Program, program

CATCH = "touch caught"
NAMES = [
    f"$({CATCH})", f"`{CATCH}`", f"'; {CATCH}; '", f'"; system("{CATCH}"); "', f"x\n!{CATCH}\nplot sin(x)", "\x1b]0;title\x07\x1b[2J",
    "</script><script>fetch(1)</script>", f"=cmd|' /C {CATCH}'!A0", "../../caught", "-rf", "%s%n", "a,b;c\td", "\u202etxt.exe", "'", '"', "\\",
]
COLUMN = f"x`{CATCH}`$({CATCH})'\"\\\x1b[31m\n"
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


def quoted(text):
    return '"' + text.replace('"', '""') + '"'


def sales(names, days=60):
    rows = ["unique_id,ds,y," + quoted(COLUMN)]
    for name in names:
        rows += [f"{quoted(name)},2024-{1 + d // 28:02}-{1 + d % 28:02},{d % 7 + 1},{d % 3}" for d in range(days)]
    return "\n".join(rows) + "\n"


def changed_settings(model, change):
    """The bytes of a model whose settings are `change` of what they were; without its checksum."""
    length, = struct.unpack("<Q", model[:8])
    header = json.loads(model[8:8 + length])
    header["__metadata__"].pop("checksum")
    header["__metadata__"]["config"] = change(header["__metadata__"]["config"])
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + model[8 + length:]


class HostileNames(Program):
    FLAGS = ("--horizon", "3", "--training.choice", "0", "--training.partners", "none", "--data.test", "3")

    def harmless(self, result):
        self.assertIsNone(CONTROLS.search(result.out), result.out)
        self.assertIsNone(CONTROLS.search(result.err), result.err)
        caught = [path for path in self.folder.rglob("*") if path.name == "caught"]
        self.assertEqual(caught, [])
        return result

    def test_are_texts_in_every_command(self):
        data = f"it's $({CATCH}) `{CATCH}`.csv"
        self.write(data, sales(NAMES))
        roles = ("--data.past", "#3")
        self.harmless(self.ok("check", data))
        self.harmless(self.ok("check", data, *roles))
        trained = self.harmless(self.train(data, *self.FLAGS, *roles))
        model = "runs/model.safetensors"
        self.harmless(self.ok("info", model))
        self.harmless(self.ok("forecast", model, data))
        self.harmless(self.ok("report", model, data))
        gnuplot = subprocess.run(["sh", "-c", "command -v gnuplot"], stdout=subprocess.DEVNULL, check=False).returncode == 0
        self.harmless(self.ok("evaluate", model, data, "--mode.figures", "true" if gnuplot else "false"))
        for line in self.read("runs/log.jsonl").splitlines():
            json.loads(line)
        forecasts = self.read("runs/forecast.csv")
        for name in NAMES:
            self.assertIn(quoted(name) if re.search('[,"\n]', name) else name, forecasts)
        self.assertNotIn("<script>fetch(1)", self.read("runs/report.html"))
        # What is proposed is one command of a shell, and says of the file what it is.
        proposed = re.search(r"next: sluice (forecast .*?), or sluice evaluate", trained.err, re.DOTALL)[1]
        again = subprocess.run(["sh", "-c", f'"$0" {proposed}', program()], cwd=self.folder, capture_output=True, check=False)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual([path for path in self.folder.rglob("caught")], [])

    def test_a_model_says_nowhere_to_write(self):
        self.daily("a.csv", 60)
        self.train("a.csv", *self.FLAGS)
        model = self.folder / "runs/model.safetensors"
        outputs = ("model", "log", "forecast", "explanation", "sums", "samples", "report", "html", "scores", "figures", "tuned")

        def elsewhere(settings):
            begin = settings.index("[path]")
            before, settings = settings[:begin], settings[begin:]
            for key in outputs:
                value = {"samples": "elsewhere/samples.csv", "html": "elsewhere/x.html", "report": "elsewhere/x.json",
                         "tuned": "elsewhere/x.toml", "figures": "elsewhere"}.get(key, f"elsewhere/{key}.csv")
                settings, count = re.subn(rf"(?m)^{key} = .*$", f'{key} = "{value}"', settings, count=1)
                assert count == 1, (key, settings)
            before, count = re.subn(r'(?m)^init_from = .*$', 'init_from = "/etc/passwd"', before)
            assert count == 1
            return before + settings

        model.write_bytes(changed_settings(model.read_bytes(), elsewhere))
        self.assertIn("elsewhere/log.csv", self.ok("info", "runs/model.safetensors").out)
        for command in ("check", "forecast", "report"):
            self.ok(command, "runs/model.safetensors", "a.csv")
        self.ok("evaluate", "runs/model.safetensors", "a.csv", "--mode.figures", "false")
        self.train("a.csv", *self.FLAGS, "--training.init_from", "runs/model.safetensors", "--path.model", "runs/second.safetensors")
        self.assertFalse((self.folder / "elsewhere").exists())
        self.assertTrue((self.folder / "runs/forecast.csv").exists())

    def test_a_model_names_the_files_that_are_read_where_no_others_are_given(self):
        self.daily("a.csv", 60)
        self.train("a.csv", *self.FLAGS)
        model = self.folder / "runs/model.safetensors"
        model.write_bytes(changed_settings(model.read_bytes(), lambda text: re.sub(r"(?m)^data = .*$", 'data = ["/dev/zero"]', text)))
        result = self.sluice("forecast", "runs/model.safetensors")
        self.assertEqual((result.status, result.err), (3, "sluice: /dev/zero: not a regular file; give a file or a directory\n"))
        self.ok("forecast", "runs/model.safetensors", "a.csv")


class SharedFolder(Program):
    def test_outputs_do_not_follow_what_others_have_put_there(self):
        """A temporary file has a name that nobody can know, is made anew, and has the mode of the user's umask."""
        self.daily("a.csv", 60)
        victim = self.write("victim", "mine")
        names = set()
        for _ in range(2):
            trace = subprocess.run(["strace", "-f", "-e", "trace=openat", program(), "simulate", "x.csv", "--stores", "1", "--items", "1",
                                    "--days", "20"], cwd=self.folder, capture_output=True, text=True, check=False, env={**os.environ}) \
                if pathlib.Path("/usr/bin/strace").exists() else None
            if trace is None:
                break
            made = re.findall(r'openat\(AT_FDCWD, "(\S*\.tmp)", ([A-Z_|]+), (\d+)(?:\)| <unfinished)', trace.stderr)
            self.assertEqual(len(made), 2, trace.stderr[-500:])  # the table, and its future
            for name, flags, _ in made:
                self.assertIn("O_EXCL", flags)
                self.assertIn("O_NOFOLLOW", flags)
                self.assertNotIn(name, names)
                names.add(name)
        os.symlink(victim, self.folder / "m.safetensors.lock")
        result = self.sluice("train", "a.csv", "--path.model", "m.safetensors", "--training.steps", "2")
        self.assertEqual(result.status, 3)
        self.assertIn("m.safetensors.lock: cannot be written (Too many levels of symbolic links)", result.err)
        self.assertEqual(victim.read_text(), "mine")
        os.unlink(self.folder / "m.safetensors.lock")
        result = self.ok("simulate", "new.csv", "--stores", "1", "--items", "1", "--days", "20", before=lambda: os.umask(0o077))
        self.assertEqual((self.folder / "new.csv").stat().st_mode & 0o777, 0o600)


if __name__ == "__main__":
    unittest.main()
