"""An installation: what is in it, that it can be moved, and that other projects can use it."""
import ctypes
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from installed import BUILD, CMAKE, ROOT, THIRD_PARTY, VERSION, claimed, run

CONSUMER = pathlib.Path(__file__).with_name("consumer")


def third_party():
    """The names of THIRD_PARTY.md but those of wheels alone and Arrow, which has files of its own."""
    page = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| ([\w+-]+)[^|]*\| [^|-][^|]*\|([^|]*)", page, re.MULTILINE)
    return [name for name, place in table if name != "Apache" and "compiled into wheels" not in place]


class Installation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="sluice_install_")
        cls.addClassCleanup(scratch.cleanup)
        cls.scratch = pathlib.Path(scratch.name)
        run(CMAKE, "--install", BUILD, "--prefix", cls.scratch / "first")
        # Nothing may depend on where it was installed to.
        cls.prefix = (cls.scratch / "first").rename(cls.scratch / "moved")
        cls.library = next(cls.prefix.rglob("libsluice.so"))
        cls.program = cls.prefix / "bin" / "sluice"

    def test_has_what_a_user_is_told_to_expect_and_nothing_of_the_bundle(self):
        files = {str(path.relative_to(self.prefix)) for path in self.prefix.rglob("*") if not path.is_dir()}
        libraries = str(self.library.parent.relative_to(self.prefix))
        for name in ("bin/sluice", f"{libraries}/libsluice.so.{VERSION}", f"{libraries}/pkgconfig/sluice.pc",
                     f"{libraries}/cmake/sluice/sluiceConfig.cmake", "share/doc/sluice/LICENSE", "share/doc/sluice/sluice.cdx.json",
                     "share/man/man1/sluice.1", "share/man/man1/sluice-train.1",
                     "share/bash-completion/completions/sluice", "share/zsh/site-functions/_sluice",
                     "share/fish/vendor_completions.d/sluice.fish"):
            self.assertIn(name, files)
        for config in (ROOT / "configs").glob("*.toml"):
            self.assertIn(f"share/sluice/configs/{config.name}", files)
        self.assertEqual({name for name in files if name.startswith("include/")},
                         {"include/sluice/arrow_c.h", "include/sluice/c_api.h"})
        self.assertEqual({name.split("/")[0] for name in files},
                         {"bin", "include", libraries.split("/")[0], "share"})
        self.assertFalse([name for name in files if "gpu_check" in name or "COMMIT" in name])

    def test_has_the_licence_of_all_that_others_wrote(self):
        doc = self.prefix / "share/doc/sluice"
        self.assertTrue((doc / "THIRD_PARTY.md").exists())
        self.assertIn("CLI11", third_party())
        for name in third_party():
            text = (doc / "licences" / f"{name}.txt").read_text(encoding="utf-8")
            self.assertRegex(text.lower(), "permission is hereby granted|redistribution|apache|gnu general public", name)

    def test_other_programs_do_not_meet_its_arrow(self):
        beside = [path.name for path in self.library.parent.iterdir() if path.name.startswith("libarrow")]
        self.assertEqual(beside, [])

    def test_the_library_is_known_by_its_major_version(self):
        dynamic = run("readelf", "-d", self.library)
        self.assertIn(f"soname: [libsluice.so.{VERSION.split('.')[0]}]", dynamic)

    def test_runs_where_it_was_moved_to(self):
        data = self.scratch / "moved.csv"
        run(self.program, "simulate", data, "--stores", "1", "--items", "2", "--days", "120", cwd=self.scratch)
        run(self.program, "train", data, "--training.steps", "4", "--horizon", "7", "--path.model", "m.safetensors",
            "--path.log", "log.jsonl", cwd=self.scratch)
        run(self.program, "forecast", "m.safetensors", data, "--path.forecast", "f.csv", "--path.log", "log.jsonl",
            cwd=self.scratch)
        self.assertEqual(len((self.scratch / "f.csv").read_text().splitlines()), 1 + 2 * 7)
        loaded = run("ldd", self.program)
        self.assertNotIn(str(BUILD), loaded)
        self.assertIn(str(self.library.parent.resolve()),
                      str(pathlib.Path(re.search(r"libsluice\S+ => (\S+)", loaded)[1]).resolve()))

    def test_has_one_version_everywhere(self):
        self.assertEqual(run(self.program, "--version"), f"sluice {VERSION}\n")
        library = ctypes.CDLL(str(self.library))
        library.sluice_version.restype = ctypes.c_char_p
        self.assertEqual(library.sluice_version().decode(), VERSION)
        self.assertIn(f"\nVersion: {VERSION}\n", next(self.prefix.rglob("sluice.pc")).read_text())
        page = (self.prefix / "share/man/man1/sluice-train.1").read_text().splitlines()[0]
        self.assertIn(f'"sluice {VERSION}"', page)
        self.assertIn(f"VERSION {VERSION} ", (ROOT / "CMakeLists.txt").read_text())

    def test_its_manual_is_found_by_man(self):
        if shutil.which("man") is None or shutil.which("groff") is None:
            self.skipTest("man or groff is not installed")
        self.assertIn("Train a model", run("man", "-M", self.prefix / "share/man", "sluice-train",
                                           env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}))

    def consumer(self, *options, status=0):
        build = pathlib.Path(tempfile.mkdtemp(dir=self.scratch))
        said = run(CMAKE, "-S", CONSUMER, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}", *options, status=status)
        return build, said

    def check_consumer(self, program, **options):
        out = self.scratch / "out.csv"
        self.assertEqual(run(program, out, **options), f"{VERSION} 1\n")
        self.assertEqual(len(out.read_text().splitlines()), 1 + 2 * 30)
        out.unlink()

    def test_find_package_gives_a_target_that_a_c_project_links(self):
        build, _ = self.consumer(f"-DWANTED={VERSION}")
        run(CMAKE, "--build", build)
        self.check_consumer(build / "consumer")

    def test_find_package_refuses_another_major_version(self):
        _, said = self.consumer("-DWANTED=99.0", status=1)
        self.assertIn('compatible with requested version "99.0"', " ".join(said.split()))
        self.assertIn(f"sluiceConfig.cmake, version: {VERSION}", said)

    def test_pkg_config_gives_what_a_compiler_needs(self):
        if shutil.which("pkg-config") is None:
            self.skipTest("pkg-config is not installed")
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "sluice"], check=True, capture_output=True, text=True,
                               env={**os.environ, "PKG_CONFIG_PATH": str(self.library.parent / "pkgconfig")}).stdout
        run("cc", CONSUMER / "main.c", *flags.split(), "-o", self.scratch / "by_pkg_config")
        self.check_consumer(self.scratch / "by_pkg_config",
                            env={**os.environ, "LD_LIBRARY_PATH": str(self.library.parent)})


class Bundle(unittest.TestCase):
    def test_runs_from_another_folder_with_its_own_libraries(self):
        with tempfile.TemporaryDirectory(prefix="sluice_bundle_") as scratch:
            scratch = pathlib.Path(scratch)
            run(CMAKE, "--install", BUILD, "--component", "bundle", "--prefix", scratch / "first", "--strip")
            bundle = (scratch / "first").rename(scratch / "moved")
            self.assertEqual(run("./sluice", "--version", cwd=bundle), f"sluice {VERSION}\n")
            loaded = re.findall(r"=> (\S+/lib(?:sluice|arrow|parquet|dnnl|fmt)\S*)", run("ldd", bundle / "sluice"))
            self.assertGreater(len(loaded), 4)
            for library in loaded:
                self.assertEqual(pathlib.Path(library).parent.resolve(), (bundle / "lib").resolve())
            self.assertLessEqual({f"{name}.txt" for name in third_party()}, set(os.listdir(bundle / "licences")))
            # What lies in it is named in the bill of materials, and nothing of that is lacking.
            self.assertEqual({claimed(name) for name in os.listdir(bundle / "lib")} - {"sluice"},
                             {entry["name"] for entry in THIRD_PARTY if "files" in entry})
            self.assertTrue((bundle / "sluice.cdx.json").exists())
            run("./sluice", "simulate", "s.csv", "--stores", "1", "--items", "1", "--days", "30", cwd=bundle)
            self.assertEqual(len((bundle / "s.csv").read_text().splitlines()), 31)


if __name__ == "__main__":
    unittest.main()
