"""docs/deploy.md: its commands run as they stand, and what it lists is what there is."""
import ctypes
import json
import os
import pathlib
import re
import shutil
import tempfile
import unittest

from installed import BUILD, CMAKE, ROOT, VERSION, blocks, run

PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")


class Commands(unittest.TestCase):
    """The commands of the page, one after the other, by one shell whose home and folder are empty but for
    build/release."""

    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="sluice_deploy_")
        cls.addClassCleanup(scratch.cleanup)
        cls.home = pathlib.Path(scratch.name)
        (cls.home / "build").mkdir()
        (cls.home / "build" / "release").symlink_to(BUILD)
        cls.env = {**os.environ, "HOME": str(cls.home)}
        cls.scripts = blocks("Install", "sh") + blocks("The C library", "sh")
        cls.said = run("bash", "-euo", "pipefail", "-c", "\n".join(cls.scripts), cwd=cls.home, env=cls.env)

    def test_there_are_three_blocks_of_them(self):
        self.assertEqual(len(self.scripts), 3)
        self.assertIn("cmake --install", self.scripts[0])
        self.assertIn("cc -std=c99", self.scripts[2])

    def test_install_a_program_that_says_its_version(self):
        self.assertIn(f"\nsluice {VERSION}\n", self.said)
        self.assertIn("\ncpu ", self.said)

    def test_install_what_the_table_lists(self):
        table = PAGE.split("| in the prefix |")[1].split("\n\n")[0]
        names = [name for row in table.splitlines()[2:] for name in re.findall(r"`([^`]+)`", row.split("|")[1])]
        self.assertGreater(len(names), 8)
        for name in names:
            path = "include/sluice/arrow_c.h" if name == "arrow_c.h" else name
            if path == "lib/sluice/" and not list((self.home / "sluice").rglob("libarrow*")):
                continue  # this build has the system's Arrow
            self.assertTrue((self.home / "sluice" / path).exists(), name)

    def test_compile_the_example_which_forecasts_seven_days(self):
        self.assertEqual(re.findall(r"^day (\d):  0\.1: ", self.said, flags=re.MULTILINE), list("1234567"))

    def test_build_the_project_of_the_page(self):
        (listing,) = blocks("The C library", "cmake")
        project = self.home / "project"
        project.mkdir()
        (project / "CMakeLists.txt").write_text(listing)
        shutil.copy(ROOT / "examples" / "c" / "forecast.c", project)
        run(CMAKE, "-S", project, "-B", project / "build", f"-DCMAKE_PREFIX_PATH={self.home / 'sluice'}")
        run(CMAKE, "--build", project / "build")
        self.assertIn("no.csv: no such file", run(project / "build" / "mine", "no.csv", status=3))

    def test_give_a_model_with_the_keys_that_the_page_lists(self):
        listed = PAGE.split("### What sluice_model_info tells")[1].split("###")[0]
        keys = [key for row in re.findall(r"^\| (`.+?) \|", listed, flags=re.MULTILINE)
                for key in re.findall(r"`(\w+)`", row)]
        run(self.home / "sluice/bin/sluice", "train", "sales.csv", "--training.steps", "2", "--path.model", "m.safetensors",
            cwd=self.home)
        library = ctypes.CDLL(str(next((self.home / "sluice").rglob("libsluice.so"))))
        model, text = ctypes.c_void_p(), ctypes.c_char_p()
        path = os.fsencode(self.home / "m.safetensors")
        self.assertEqual(library.sluice_model_load(path, ctypes.byref(model), None), 0)
        self.assertEqual(library.sluice_model_info(model, ctypes.byref(text), None), 0)
        self.assertEqual(keys, list(json.loads(text.value)))


class Listings(unittest.TestCase):
    def test_every_function_of_the_header_is_named(self):
        header = re.sub(r"/\*.*?\*/", " ", (ROOT / "include/sluice/c_api.h").read_text(), flags=re.DOTALL)
        declared = set(re.findall(r"SLUICE_API\s+[\w\s*]*?\b(sluice_\w+)\s*\(", header))
        tasks = PAGE.split("### Functions by task")[1].split("###")[0]
        self.assertEqual(set(re.findall(r"`(sluice_\w+)`", tasks)), declared)

    def test_files_are_shown_as_they_are(self):
        for section, language, names in (
                ("Every night", "ini", ["deploy/sluice-forecast.service", "deploy/sluice-forecast.timer"]),
                ("A container", "dockerfile", ["deploy/Containerfile"])):
            shown = blocks(section, language)
            self.assertEqual(shown, [(ROOT / "examples" / name).read_text() for name in names])


if __name__ == "__main__":
    unittest.main()
