"""The manual: one page a command, which man formats without a warning."""
import re
import shutil
import subprocess
import unittest

from program import Program

UTF8 = {"LC_ALL": "C.UTF-8", "MANWIDTH": "80", "PATH": "/usr/bin:/bin"}


def unescaped(page):
    return re.sub(r"\\f.", "", page).replace("\\-", "-").replace("\\&", "")


class Manual(Program):
    def pages(self):
        self.ok("manual", "--write", "man")
        return sorted((self.folder / "man").iterdir())

    def test_has_a_page_for_the_program_and_each_command(self):
        names = {page.name for page in self.pages()}
        listed = self.ok("--help").out.split("Subcommands:")[1].split("Begin:")[0].splitlines()
        commands = {line.split()[0] for line in listed if line.startswith("  ") and line[2] != " "}
        self.assertEqual(names, {"sluice.1"} | {f"sluice-{command}.1" for command in commands})

    def test_is_formatted_without_warnings(self):
        if shutil.which("man") is None or shutil.which("groff") is None:
            self.skipTest("man or groff is not installed")
        for page in self.pages():
            done = subprocess.run(["man", "--warnings", "-l", page], capture_output=True, text=True, env=UTF8)
            self.assertEqual((done.returncode, done.stderr), (0, ""), page.name)
            self.assertIn("EXIT STATUS", done.stdout)

    def test_has_nothing_that_mandoc_warns_of_but_the_date_left_out(self):
        if shutil.which("mandoc") is None:
            self.skipTest("mandoc is not installed")
        for page in self.pages():
            said = subprocess.run(["mandoc", "-Tlint", "-Wwarning", page], capture_output=True, text=True).stdout
            self.assertEqual([line for line in said.splitlines() if 'missing date, using ""' not in line], [])

    def test_a_page_says_what_the_help_says(self):
        page = unescaped(self.ok("manual", "simulate").out)
        self.assertIn("sluice simulate OUT [OPTION...]", page)
        self.assertIn("--intermittent VALUE\nshare of items that sell on few days", page)
        self.assertIn("--schema VALUE\ncatalog, or the article's 15 columns: catalog, article", page)
        self.assertIn(self.ok("--version").out.strip(), page)

    def test_the_page_of_explain_has_every_setting(self):
        page = unescaped(self.ok("manual", "explain").out)
        keys = re.findall(r"^  (\w+\.\w+) = ", self.ok("explain").out, flags=re.MULTILINE)
        self.assertGreater(len(keys), 100)
        for key in keys:
            self.assertIn(f"\n{key} = ", page)

    def test_a_command_that_there_is_not_is_named(self):
        result = self.sluice("manual", "tarin")
        self.assertEqual(result.status, 2)
        self.assertEqual(result.err, "sluice: manual: there is no command 'tarin'; 'sluice --help' lists them\n")

    def test_a_folder_that_cannot_be_written_is_named(self):
        self.write("file", "")
        result = self.sluice("manual", "--write", "file")
        self.assertEqual(result.status, 3)
        self.assertTrue(result.err.startswith("sluice: file/sluice.1: cannot be written;"), result.err)


if __name__ == "__main__":
    unittest.main()
