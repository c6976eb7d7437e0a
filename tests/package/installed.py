"""The build folder as it is installed, packed and documented: what these tests share."""
import json
import os
import pathlib
import re
import subprocess

BUILD = pathlib.Path(os.environ["SLUICE_BUILD"])
VERSION = os.environ["SLUICE_VERSION"]
CMAKE = os.environ.get("SLUICE_CMAKE", "cmake")
ROOT = pathlib.Path(__file__).parents[2]
THIRD_PARTY = json.loads((ROOT / "cmake" / "third_party.json").read_text(encoding="utf-8"))


def run(*command, status=0, **options):
    """Runs it, expects `status`, and gives both streams together."""
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, stdin=subprocess.DEVNULL, check=False, **options)
    if done.returncode != status:
        raise AssertionError(f"{' '.join(map(str, command))}\nended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def blocks(section, language, page=ROOT / "docs" / "deploy.md"):
    """The code blocks of one language in the section with this heading, without their fences."""
    text = page.read_text(encoding="utf-8")
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], parts[2::2]))
    return re.findall(rf"^```{language}\n(.*?)^```$", sections[section], flags=re.MULTILINE | re.DOTALL)


def claimed(library):
    """Whose a shared library is, by third_party.json: "fmt" of "libfmt.so.9"; "sluice"; None of nobody's."""
    stem = library.split(".so")[0]
    if stem == "libsluice":
        return "sluice"
    return next((entry["name"] for entry in THIRD_PARTY
                 if any(stem == file or stem.startswith(file + "_") for file in entry.get("files", []))), None)
