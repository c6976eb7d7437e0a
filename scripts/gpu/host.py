"""What is on this host: the card, its driver, the libraries and the tools; and whether a build can run here."""
import dataclasses
import glob
import json
import os
import pathlib
import re
import shutil

from gpu import child

LOWEST_COMPUTE = (8, 0)
answer_seconds = 20.0  # for a program that is asked about this host; gpu_check lowers it where little time is given
_silent = set()        # programs that did not answer
TOOLKIT = os.environ.get("CUDA_HOME") or "/usr/local/cuda"


class Unusable(Exception):
    """This host or build cannot be checked: the status to end with, and a line with the remedy."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


@dataclasses.dataclass
class Card:
    name: str
    driver: str
    compute: tuple  # (9, 0)
    cuda: tuple     # highest CUDA version of the driver, () if nvidia-smi does not say
    memory: str
    clocks: str     # of the multiprocessors, MHz, at most
    description: list = dataclasses.field(default_factory=list)  # lines of nvidia-smi -q


@dataclasses.dataclass
class Build:
    """A bundle or a build folder."""
    folder: pathlib.Path
    tests: pathlib.Path
    bench: pathlib.Path
    commit: str
    cuda: tuple          # of the toolkit, () if not known
    architectures: list  # as CMake names them, [] if not known


@dataclasses.dataclass
class Libraries:
    path: str      # LD_LIBRARY_PATH of our programs
    found: list    # [(name, file)] of CUDA's and cuDNN's libraries
    listing: list  # ldd's lines, and the benchmark's about what it loads


def numbers_of(text):
    return tuple(int(number) for number in re.findall(r"\d+", text)[:2])


def dotted(version):
    return ".".join(map(str, version))


def output(words, interrupts, environment=None):
    """Lines of a program, or None if it fails. One that has not answered in time is not asked again."""
    if words[0] in _silent:
        return None
    (outcome,) = child.run([child.Command(words, environment)], answer_seconds, child.NoLog(), interrupts)
    if outcome.timed_out:
        _silent.add(words[0])
    return None if outcome.trouble(answer_seconds) else outcome.lines


def chosen_card(interrupts):
    """What nvidia-smi calls the first card that CUDA_VISIBLE_DEVICES leaves: its number; throws Unusable(4) if it leaves none."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0].strip()
    if not chosen or chosen.startswith("-"):
        raise Unusable(4, f"CUDA_VISIBLE_DEVICES='{chosen}' hides every card; unset it, or name a card by it (0, 1, GPU-...)")
    if chosen.isdecimal():
        return chosen
    number = chosen  # an identifier, or its beginning; that of a part of a card (MIG) stands below its card's
    for line in output(["nvidia-smi", "-L"], interrupts) or []:
        card = re.match(r"GPU (\d+):", line)
        number = card[1] if card else number
        if f"UUID: {chosen}" in line:
            return number
    return chosen


def find_card(interrupts):
    """The first card that CUDA_VISIBLE_DEVICES leaves; throws Unusable(4)."""
    remedy = "run this on a host with an NVIDIA driver and a card of compute capability 8.0 or newer"
    if not shutil.which("nvidia-smi"):
        raise Unusable(4, f"no GPU here: nvidia-smi is missing; {remedy}")
    chosen = chosen_card(interrupts)

    def ask(fields, form):
        """The values, of the line that has that form: warnings may stand around it. None, and the reason in `said`."""
        words = ["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits", f"--id={chosen}"]
        (outcome,) = child.run([child.Command(words)], answer_seconds, child.NoLog(), interrupts)
        said[:] = [outcome.trouble(answer_seconds), *outcome.lines[-1:]]
        lines = [] if outcome.trouble(answer_seconds) else outcome.lines
        return next(([field.strip() for field in line.split(",")] for line in lines if re.fullmatch(form, line.strip())), None)

    said = []
    known = ask("name,driver_version,memory.total,clocks.max.sm", r"[^,]+,[\d. ]+,[^,]+,[^,]+")
    if not known:
        raise Unusable(4, f"no GPU here: nvidia-smi shows none numbered '{chosen}' (CUDA_VISIBLE_DEVICES chooses it; it said: "
                          f"{', '.join(filter(None, said)) or 'nothing'}); {remedy}")
    compute = numbers_of((ask("compute_cap", r"\d+\.\d+") or [""])[0])
    if len(compute) < 2:
        raise Unusable(4, f"the driver {known[1]} does not tell the card's compute capability; install a newer driver")
    if compute < LOWEST_COMPUTE:
        raise Unusable(4, f"{known[0]} has compute capability {dotted(compute)}; 8.0 or newer is needed: {remedy}")
    description = output(["nvidia-smi", "-q", f"--id={chosen}"], interrupts) or ["no answer"]
    cuda = re.search(r"^CUDA(?: \w+)? Version\s*:\s*(\d+\.\d+)", "\n".join(description), re.MULTILINE)
    return Card(known[0], known[1], compute, numbers_of(cuda[1]) if cuda else (), known[2], known[3], description)


def find_build(folder, commit):
    """The programs of a bundle, which has all in one place, or of a build folder; throws Unusable(1)."""
    def program(name):
        for place in (folder / name, folder / "tests" / "cuda" / name):
            if os.access(place, os.X_OK) and place.is_file():
                return place
        raise Unusable(1, f"{folder} has no {name}; is it a bundle, or a build folder that found a CUDA compiler?")

    tests, bench = program("sluice_gpu_test"), program("sluice-bench")
    facts = {}
    if (folder / "build.json").exists():
        try:
            facts = dict(json.loads((folder / "build.json").read_text()))
        except (OSError, ValueError, TypeError) as error:
            raise Unusable(1, f"{folder}/build.json cannot be read ({error}); copy or build the folder again") from error
    if (folder / "COMMIT").exists():
        commit = (folder / "COMMIT").read_text().strip()
    return Build(folder, tests, bench, commit or "unknown", numbers_of(facts.get("cuda", "")),
                 facts.get("architectures", []))


def code_for(compute, architectures):
    """'machine code' or 'PTX' that runs on a card, or None; architectures as CMake names them ("90a-real")."""
    ptx = None
    for architecture in architectures:
        known = re.fullmatch(r"(\d+)([af]?)(-real|-virtual)?", architecture)
        if not known:
            return "machine code"  # "native", "all": not known before it runs
        number, suffix, form = known.groups()
        target = (int(number[:-1]), int(number[-1]))
        exact = suffix == "a"
        same = target == compute if exact else target[0] == compute[0] and target <= compute
        if form != "-virtual" and same:
            return "machine code"
        if form != "-real" and (same if suffix else target <= compute):
            ptx = "PTX"
    return ptx


def expect_fit(card, build):
    """Throws Unusable(4) where the card or the driver cannot run the build."""
    code = code_for(card.compute, build.architectures) if build.architectures else "machine code"
    if code is None:
        digits = "".join(map(str, card.compute)) + ("a" if card.compute[0] >= 9 else "")
        raise Unusable(4, f"this build has code for {', '.join(build.architectures)} only, and {card.name} has compute capability "
                          f"{dotted(card.compute)}; build for it: scripts/bundle --arch {digits}")
    if not card.cuda or not build.cuda:
        return
    # Within a major version an older driver runs machine code; PTX of a newer toolkit it cannot compile.
    if card.cuda[0] < build.cuda[0] or (code == "PTX" and card.cuda < build.cuda):
        raise Unusable(4, f"the driver {card.driver} is for CUDA {dotted(card.cuda)}, this build was made with CUDA "
                          f"{dotted(build.cuda)}; install a newer driver, or build with a toolkit of CUDA {dotted(card.cuda)}")


def wheel_folders(interrupts):
    """Folders of libraries in Python's packages named nvidia (cu13/lib, cudnn/lib, ...)."""
    folders = []
    paths = output([python(), "-c", "import sys; print('\\n'.join(sys.path))"], interrupts) or []
    for path in paths:
        if path:
            folders += [folder for folder in sorted(glob.glob(f"{glob.escape(path)}/nvidia/*/lib"))
                        if glob.glob(f"{glob.escape(folder)}/*.so*")]
    return list(dict.fromkeys(folders))


def python():
    """The interpreter that has PyTorch, if any has."""
    return os.environ.get("PYTHON") or shutil.which("python3") or "python3"


def find_libraries(build, interrupts):
    """CUDA's and cuDNN's libraries, all from one family of places if it has cuBLAS: those of Python's wheels, then the toolkit's.

    Throws Unusable(1) naming what was not found, and where it was looked for."""
    toolkit = [folder for folder in (f"{TOOLKIT}/lib64", f"{TOOLKIT}/lib", f"{TOOLKIT}/targets/x86_64-linux/lib")
               if os.path.isdir(folder)]
    wheels = wheel_folders(interrupts)
    wanted = [line.split()[0] for line in loaded(build.bench, "", interrupts) if "libcublas.so" in line] or ["libcublas.so*"]
    has_cublas = any(glob.glob(f"{glob.escape(folder)}/{wanted[0]}") for folder in wheels)
    folders = wheels + toolkit if has_cublas else toolkit + wheels
    own = [folder for folder in os.environ.get("LD_LIBRARY_PATH", "").split(":") if folder]
    path = ":".join(folders + own)
    lines, missing, found = [], [], {}
    for line in (listing(build.bench, path, interrupts) + listing(build.tests, path, interrupts)
                 + loaded(build.bench, path, interrupts)):
        lines.append(line)
        name, _, file = line.strip().partition(" => ")
        if file.startswith("not found"):
            missing.append(name)
        elif re.match(r"lib(cu|nv)", name):
            found[name] = file.split(" (")[0]
    if missing:
        looked = ", ".join(folders + own) or "no folder of Python's wheels (nvidia/*/lib), no " + TOOLKIT
        raise Unusable(1, f"not found: {', '.join(sorted(set(missing)))}; looked in {looked}, and where the system looks; install "
                          "them (pip install nvidia-cublas nvidia-cudnn-cu13, or the CUDA toolkit), or set LD_LIBRARY_PATH")
    return Libraries(path, sorted(found.items()), lines)


def listing(program, path, interrupts):
    """ldd's lines; none for what is no dynamic program, or without ldd."""
    return output(["ldd", str(program)], interrupts, environment=with_libraries(path)) or []


def loaded(bench, path, interrupts):
    """The same of what our programs load when a device is asked for, as the benchmark says it; none if it cannot be started."""
    return output([str(bench), "gpu", "--libraries"], interrupts, environment=with_libraries(path)) or []


def with_libraries(path):
    return {**os.environ, "LD_LIBRARY_PATH": path} if path else None


def find_tool(name):
    """A tool of CUDA: on the PATH, in the toolkit, or in Nsight's own folder; None if it is not here."""
    places = [f"{TOOLKIT}/bin/{name}"] + sorted(glob.glob(f"/opt/nvidia/nsight-compute/*/{name}"), reverse=True)
    return shutil.which(name) or next((place for place in places if os.access(place, os.X_OK)), None)
