"""The bill of materials: of all that the library holds or loads, and of nothing else."""
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from installed import BUILD, ROOT, THIRD_PARTY, VERSION, claimed, run

# Of the system, whatever it is: glibc and the loader.
SYSTEM = re.compile(r"^(linux-vdso|ld-linux-\S+|lib(c|m|dl|rt|pthread|util|resolv))\.so")


def program_version(name):
    """A library's version as `sluice info` has it, from its headers."""
    said = run(BUILD / "sluice", "info")
    return re.search(rf"\b{re.escape(name)} ([0-9.]+)", said)[1]


class Sbom(unittest.TestCase):
    def setUp(self):
        self.sbom = json.loads((BUILD / "sluice.cdx.json").read_text(encoding="utf-8"))
        self.components = {one["name"]: one for one in self.sbom["components"]}

    def test_has_the_parts_and_licences_of_the_page(self):
        page = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
        rows = re.findall(r"^\| ([^|]*[^| ]) \| ([^|-][^|]*[^| ]) \|", page, re.MULTILINE)
        self.assertGreater(len(rows), 10)
        of_page = {re.sub(r" \(.*", "", name): licence.split(",")[0] for name, licence in rows}
        of_bill = {name: one["licenses"][0].get("expression") or one["licenses"][0]["license"]["id"]
                   for name, one in self.components.items()}
        self.assertEqual(of_bill, of_page)

    def test_has_every_library_that_is_loaded_and_no_other(self):
        loaded = re.findall(r"^\s*(\S+)", run("ldd", BUILD / "libsluice.so"), re.MULTILINE)
        loaded = [pathlib.Path(name).name for name in loaded]
        self.assertIn("libgomp.so.1", loaded)
        others = [name for name in loaded if not SYSTEM.match(name)]
        self.assertEqual([name for name in others if claimed(name) is None], [])
        self.assertEqual({claimed(name) for name in others}, {entry["name"] for entry in THIRD_PARTY if "files" in entry})

    def test_versions_are_those_of_the_headers_that_were_compiled(self):
        for part, name in {"Apache Arrow": "Arrow", "oneDNN": "oneDNN", "fmt": "fmt", "CLI11": "CLI11",
                           "tomlplusplus": "toml++", "json": "nlohmann-json"}.items():
            with self.subTest(part):
                found = self.components[part].get("version")
                if found is None:
                    self.skipTest(f"{part} is not of a Debian package here")
                self.assertEqual(re.match(r"(?:\d+:)?([0-9.]*[0-9])", found)[1], program_version(name))

    def test_names_the_program_and_has_no_time(self):
        self.assertEqual(self.sbom["metadata"]["component"]["version"], VERSION)
        self.assertNotIn("timestamp", self.sbom["metadata"])
        refs = {one["bom-ref"] for one in self.sbom["components"]} | {"sluice"}
        for one in self.sbom["dependencies"]:
            self.assertLessEqual({one["ref"], *one["dependsOn"]}, refs)

    def test_what_is_not_installed_is_named_and_has_no_version(self):
        with tempfile.TemporaryDirectory() as folder:
            listed, out = pathlib.Path(folder, "list.json"), pathlib.Path(folder, "out.json")
            listed.write_text(json.dumps([{"name": "x", "licence": "MIT", "debian": "no-such-package", "use": "library"}]))
            said = run(ROOT / "scripts" / "sbom", "--version", "1", "--list", listed, out)
            self.assertEqual(said, "sbom: x: no-such-package is not installed here; it has no version\n")
            self.assertNotIn("version", json.loads(out.read_text())["components"][0])

    def test_is_as_the_schema_of_cyclonedx_has_it(self):
        python = pathlib.Path(os.environ["SLUICE_VENV"], "bin", "python")
        check = ("import sys; from cyclonedx.schema import SchemaVersion; from cyclonedx.validation.json import JsonStrictValidator;"
                 "print(JsonStrictValidator(SchemaVersion.V1_5).validate_str(open(sys.argv[1], encoding='utf-8').read()))")
        if not python.exists() or subprocess.run([python, "-c", "import cyclonedx, jsonschema"], capture_output=True, check=False).returncode:
            self.skipTest("cyclonedx-python-lib is not installed (scripts/setup)")
        self.assertEqual(run(python, "-c", check, BUILD / "sluice.cdx.json"), "None\n")


if __name__ == "__main__":
    unittest.main()
