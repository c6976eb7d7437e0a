"""A library that is older than what was tried: CMake says which, and what is needed, and builds nothing."""
import pathlib
import shutil
import tempfile
import unittest

from installed import CMAKE, ROOT, run


class Versions(unittest.TestCase):
    def configure(self, folder, *options):
        said = run(CMAKE, "-S", ROOT, "-B", folder / "build", "-DSLUICE_CUDA=OFF", "-DSLUICE_PYTHON=OFF", *options, status=1)
        return " ".join(said.split())

    def test_an_old_package_is_refused_by_its_version(self):
        with tempfile.TemporaryDirectory(prefix="sluice_versions_") as folder:
            folder = pathlib.Path(folder)
            (folder / "fmtConfig.cmake").write_text("")
            (folder / "fmtConfigVersion.cmake").write_text('set(PACKAGE_VERSION "8.1.1")\nset(PACKAGE_VERSION_COMPATIBLE FALSE)\n')
            said = self.configure(folder, f"-Dfmt_DIR={folder}", "-DCMAKE_IGNORE_PREFIX_PATH=/usr;/",  # not the system's own
                                  "-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={shutil.which('ninja')}",
                                  f"-DCMAKE_CXX_COMPILER={shutil.which('c++')}")
            self.assertIn('"fmt" that is compatible with requested version "9.1"', said)
            self.assertIn("fmtConfig.cmake, version: 8.1.1", said)

    def test_old_headers_are_refused_by_their_version(self):
        with tempfile.TemporaryDirectory(prefix="sluice_versions_") as folder:
            folder = pathlib.Path(folder)
            (folder / "hwy").mkdir()
            (folder / "hwy" / "highway.h").write_text("#define HWY_MAJOR 0\n#define HWY_MINOR 15\n#define HWY_PATCH 0\n")
            said = self.configure(folder, f"-DHighway_INCLUDE_DIR={folder}")
            self.assertIn('Could NOT find Highway: Found unsuitable version "0.15.0", but required is at least "1.0.3"', said)


if __name__ == "__main__":
    unittest.main()
