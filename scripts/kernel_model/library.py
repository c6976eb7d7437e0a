"""The kernels in a static library, as the CUDA toolkit's tools read them: registers, stack, shared memory, SASS."""

import collections
import glob
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from . import sass

ROOT = pathlib.Path(__file__).resolve().parents[2]
ARCHITECTURE = "sm_90a"  # of the model

Usage = collections.namedtuple("Usage", "file name arch registers stack shared local")


class MissingTool(Exception):
    pass


class LibraryError(Exception):
    pass


class NoCode(LibraryError):
    pass


def find_tool(name):
    """cuobjdump or nvdisasm: of its own variable, the path, beside nvcc, or where scripts/setup put it."""
    venv = os.environ.get("SLUICE_VENV") or ROOT / "build" / "venv"
    nvcc = shutil.which("nvcc")
    places = [os.environ.get(name.upper(), ""), shutil.which(name) or "",
              str(pathlib.Path(nvcc).parent / name) if nvcc else "", f"/usr/local/cuda/bin/{name}",
              *glob.glob(f"{venv}/lib/python3*/site-packages/nvidia/*/bin/{name}")]
    for place in places:
        if place and os.access(place, os.X_OK):
            return place
    raise MissingTool(f"no {name} here; install it with the CUDA toolkit or by scripts/setup, or set {name.upper()}")


def run(tool, *arguments, cwd=None, needs=()):
    """`needs`: other tools that this one starts."""
    path = os.pathsep.join([*(str(pathlib.Path(find_tool(other)).parent) for other in needs), os.environ["PATH"]])
    done = subprocess.run([find_tool(tool), *arguments], capture_output=True, text=True, cwd=cwd,
                          env={**os.environ, "PATH": path})
    if done.returncode != 0:
        raise LibraryError(f"{tool} {' '.join(arguments)}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def demangled(names):
    done = subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True, check=True)
    return dict(zip(names, done.stdout.splitlines()))


def short_name(full):
    """The kernel with its template arguments: without result, namespaces (anonymous ones too) and parameters."""
    depth = 0
    for end, character in enumerate(full):
        depth += {"<": 1, ">": -1}.get(character, 0)
        if character == "(" and depth == 0 and not full.startswith("(anonymous namespace)", end):
            break
    else:
        end = len(full)
    name = full[:end].removeprefix("void ")
    name = re.sub(r"\([^()<>]*\)(?=[\w(-])", "", name)  # casts of template arguments: (int)4, (bool)1
    return re.sub(r"(\w+|\(anonymous namespace\))::", "", name)


def source_names(members, tree):
    """{place of a member: its source's path below cuda/}. A library keeps no folders, so files of one name are told
    apart by their order: members lie as CMake lists the sources, by path."""
    places = collections.defaultdict(list)
    for path in sorted(p.relative_to(tree / "cuda").as_posix() for p in (tree / "cuda").rglob("*.cu")):
        places[path.rsplit("/", 1)[-1]].append(path.removeprefix("recurrence/"))
    names = {}
    for place, member in enumerate(members):
        if not member.endswith(".cu"):
            continue
        if not places[member]:
            raise LibraryError(f"the library's member {member} has no source left in cuda/; build it again")
        names[place] = places[member].pop(0)
    return names


def parse_usage(text, tree):
    """Usages out of `cuobjdump --dump-resource-usage`."""
    found, members, arch, function = [], [], "", ""
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("member "):
            members.append(line.rstrip(":").rsplit(":", 1)[-1].removesuffix(".o"))
        elif line.startswith("arch = "):
            arch = line.removeprefix("arch = ")
        elif line.startswith("Function "):
            function = line.removeprefix("Function ").rstrip(":")
        elif line.startswith("REG:"):
            value = {key: int(number) for key, number in re.findall(r"(\w+)(?:\[\d+\])?:(\d+)", line)}
            found.append(Usage(len(members) - 1, function, arch, value["REG"], value["STACK"], value["SHARED"],
                               value["LOCAL"]))
    files, names = source_names(members, tree), demangled(sorted({usage.name for usage in found}))
    return [usage._replace(file=files[usage.file], name=short_name(names[usage.name])) for usage in found]


def read_usage(library, tree=ROOT):
    """Registers, stack and shared memory of every kernel."""
    if not library.exists():
        raise LibraryError(f"{library} is not there; build it: cmake --build build/release --target sluice_cuda")
    kernels = parse_usage(run("cuobjdump", "--dump-resource-usage", str(library)), tree)
    if not kernels:
        raise LibraryError(f"cuobjdump read no kernels from {library}")
    return kernels


def read_code(library, wanted):
    """({short name: instructions} of the kernels on ARCHITECTURE whose short name `wanted` accepts, the version of the
    compiler that made them)."""
    if not library.exists():
        raise LibraryError(f"{library} is not there; build it: cmake --build build/release --target sluice_cuda")
    code, versions = {}, set()
    with tempfile.TemporaryDirectory() as folder:
        run("cuobjdump", "-xelf", ARCHITECTURE, str(library.resolve()), cwd=folder)
        for file in sorted(pathlib.Path(folder).iterdir()):
            raw = file.read_bytes()
            mangled = [m.decode() for m in set(re.findall(rb"\.text\.(_Z\w+)", raw))]
            names = {m: short_name(full) for m, full in demangled(mangled).items() if wanted(short_name(full))}
            if not names:
                continue
            versions |= set(re.findall(r"Cuda compilation tools, release [\d.]+, V([\d.]+)", raw.decode("latin-1")))
            for name, instructions in sass.parse(run("cuobjdump", "-sass", str(file), needs=("nvdisasm",))).items():
                if name in names:
                    code[names[name]] = instructions
    if not code:
        raise NoCode(f"{library} has no such kernels for {ARCHITECTURE}: --instructions without a text shows those that there "
                     f"are; if none, build with 90a-real in SLUICE_CUDA_ARCHITECTURES")
    if len(versions) != 1:
        raise LibraryError(f"{library}: the kernels name no compiler, or several: {sorted(versions)}")
    return code, versions.pop()
