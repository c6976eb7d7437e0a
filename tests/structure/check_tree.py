#!/usr/bin/env python3
"""Checks the rules of the tree, names file and line of what breaks one. Takes about a second.

usage: check_tree.py ROOT

  rank       app -> api -> run -> engine -> {data, model} -> base; an include points to a lower rank or to
             its own module; data and model do not know each other; nothing but app includes sluice.hpp
  rooms      a folder of a module includes its own files and those of folders on lower floors (ROOMS); what
             lies beside the folders of cuda/recurrence/ and host/engine/ is the seam, under all of them
  family     four files that share a prefix ("mma_forward", "mma_backward", ...) are a folder
  cuda       include/ and host/ never name a CUDA header
  device     in cuda/: <<< and __shared__ in base/launch.cuh only, asm in base/ptx.cuh only, Thrust and
             CUB in engine/reduce.cu only, cuDNN in recurrence/cudnn/ only, NCCL in base/nccl/ only, no atomics,
             no fmt in device code
  public     include/ includes the C++ standard library and sluice/ only; its C headers (include/sluice/*.h)
             those of C and each other, and only api and app include the one of the C library
  condition  no #if in include/ and host/ but include guards and host_device.hpp; no other macro;
             C headers may ask for __cplusplus and define SLUICE_ and Arrow's macros;
             in *_hwy.cpp also what Highway compiles a file for each instruction set with
  tests      nothing outside tests/ includes from tests/
  size       no source file is longer than 500 lines; in python/ no line than 120 columns (pyproject.toml)
  todo       open work is marked with an issue number
  catch      no catch (...): an unknown exception is not swallowed
"""
import collections
import pathlib
import re
import sys

RANK = {"base": 0, "data": 1, "model": 1, "engine": 2, "run": 3, "api": 4, "app": 5}
# The folders of a module, floor by floor; "." is what lies beside them.
ROOMS = {
    "host/data": (("calendar",), ("table",), ("hierarchy",), ("catalog", "simulate"), ("cache",), (".",)),
    "host/engine": ((".",), ("shared",), ("fused", "onednn"), ("cpu",)),
    "host/run": (("config",), ("provenance",), (".", "checkpoint", "report", "reconcile"), ("calibration",), ("training", "forecast"),
                 ("choice",), ("tune",)),
    "cuda/recurrence": ((".",), ("shared",), ("gemm", "fused_simt", "fused_mma", "cudnn")),
}
# Files that may include any room of theirs: they choose between them.
DOORS = {"cuda/recurrence/selection.cpp"}
MAX_FAMILY = 3
MAX_LINES = 500
MAX_COLUMNS = 120
SOURCE_DIRS = ("include", "host", "cuda", "tests", "benchmarks", "python", "cmake", "scripts")
SOURCES = {".hpp", ".cpp", ".cu", ".cuh", ".h", ".py", ".cmake"}
PYTHON = {".py", ".pyi"}
CODE = {".hpp", ".cpp", ".cu", ".cuh", ".h"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
CONDITION = re.compile(r"^\s*#\s*(if|ifdef|ifndef|elif)\b")
DEFINE = re.compile(r"^\s*#\s*define\s+(\w+)")
C_CONDITION = re.compile(r"^#ifdef __cplusplus$|^#ifndef ARROW_\w+$")
C_MACRO = re.compile(r"^(SLUICE|ARROW)_")
C_STANDARD = re.compile(r"^[a-z]+\.h$")
HIGHWAY = re.compile(r"^#(define HWY_TARGET_INCLUDE \S+|if HWY_ONCE)$")
GUARD = re.compile(r"^\s*#\s*ifndef\s+(\w+)\s*$")
CUDA = re.compile(r"(^|/)(cuda|cudnn|cublas|cufft|curand|cusparse|cusolver|nccl|nvtx|nvrtc|thrust|cub|"
                  r"cooperative_groups|device_launch_parameters|mma\.h)", re.IGNORECASE)
STANDARD = re.compile(r"^[a-z_]+$|^c[a-z]+$")
# What only one file of cuda/ may hold: pattern, the files that may, and what to do instead.
DEVICE = (
    (re.compile(r"<<<|\b__shared__\b|\bcudaLaunchKernel"), re.compile(r"^cuda/base/launch\.cuh$"),
     "launches a kernel or declares shared memory; use base/launch.cuh"),
    (re.compile(r"\basm\b"), re.compile(r"^cuda/base/ptx\.cuh$"),
     "has inline PTX; put the instruction into base/ptx.cuh"),
    (re.compile(r"#\s*include\s*<(cub|thrust)/"), re.compile(r"^cuda/engine/reduce\.cu$"),
     "includes Thrust or CUB; only engine/reduce.cu may"),
    (re.compile(r"#\s*include\s*<cudnn"), re.compile(r"^cuda/recurrence/cudnn/\w+\.(cpp|cu|hpp)$"),
     "includes cuDNN; only recurrence/cudnn/ may"),
    (re.compile(r"#\s*include\s*<nccl"), re.compile(r"^cuda/base/nccl/\w+\.cpp$"),
     "includes NCCL; only base/nccl/ may"),
    (re.compile(r"\batomic[A-Z]\w*\("), re.compile(r"^$"),
     "uses an atomic; sums are made in a fixed order"),
    (re.compile(r"#\s*include\s*<(fmt/|iostream|regex)"), re.compile(r"\.(cpp|hpp)$"),
     "includes a library that device code cannot have; move the text to a .cpp"),
)
WORD = "TO" + "DO"
OPEN_WORK = re.compile(rf"\b({WORD}|FIX" + r"ME|XX" + r"X)\b(?!\s*\(#\d+\))")
CATCH_ALL = re.compile(r"\bcatch\s*\(\s*\.\.\.\s*\)")


def module_of(path):
    """The module of a file under include/sluice/ or host/, or None for sluice.hpp."""
    parts = path.parts[2:] if path.parts[0] == "include" else path.parts[1:]
    return parts[0] if len(parts) > 1 else None


def target_of(name, own):
    """The module that an include of `name` by module `own` points to; "" if it is sluice.hpp, None
    if unknown. A bare name is a file beside the including one."""
    parts = name.split("/")
    if len(parts) == 1:
        return own
    if parts[0] == "sluice":
        parts = parts[1:]
        if parts == ["sluice.hpp"]:
            return ""
    return parts[0] if len(parts) > 1 and parts[0] in RANK else None


def is_c_header(path):
    return path.parts[:2] == ("include", "sluice") and len(path.parts) == 3 and path.suffix == ".h"


def check_c_header(line):
    """Messages about a line of a C header of include/."""
    include, define = INCLUDE.match(line), DEFINE.match(line)
    if include:
        quote, name = include.groups()
        if not (C_STANDARD.match(name) if quote == "<" else is_c_header(pathlib.Path("include") / name)):
            yield "public", f"includes {name}; a C header takes C's standard headers and include/sluice/*.h"
    elif CONDITION.match(line) and not C_CONDITION.match(line) and not GUARD.match(line):
        yield "condition", "has #if; a C header asks for __cplusplus only"
    elif define and not C_MACRO.match(define[1]):
        yield "condition", f"defines the macro {define[1]}; a C header's begin with SLUICE_"


def check_include(path, quote, name):
    """Messages about one include of a file under include/ or host/."""
    public = path.parts[0] == "include"
    if CUDA.search(name):
        yield "cuda", f"includes {name}; only cuda/ may"
        return
    if quote == "<":
        if public and not STANDARD.match(name):
            yield "public", f"includes <{name}>; a public header takes the C++ standard library only"
        return
    if public and not name.startswith("sluice/"):
        yield "public", f'includes "{name}"; a public header takes "sluice/..." only'
        return
    own, target = module_of(path), target_of(name, module_of(path))
    if is_c_header(pathlib.Path("include") / name):
        if own not in ("api", "app") and name.endswith("/c_api.h"):
            yield "public", f'includes "{name}"; only api and app may, all else is C++'
    elif target is None:
        yield "rank", f'includes "{name}", which is no header of a module ({", ".join(RANK)})'
    elif own is None:
        return  # sluice.hpp lists all
    elif target == "":
        if own != "app":
            yield "rank", 'includes "sluice/sluice.hpp"; only app may, name the part that is needed'
    elif own not in RANK:
        yield "rank", f"is in module '{own}', which has no rank; the modules are {', '.join(RANK)}"
    elif target != own and RANK[target] >= RANK[own]:
        yield "rank", f'includes "{name}": {own} (rank {RANK[own]}) may not know {target} (rank {RANK[target]})'


def check_room(path, name):
    """Messages about an include of a file in a room of its own module."""
    for module, floors in ROOMS.items():
        top = module.split("/")[0]
        if not path.as_posix().startswith(module + "/") or path.as_posix() in DOORS:
            continue
        if not f"{top}/{name}".startswith(module + "/"):
            continue
        inside = path.relative_to(module).parts
        own = inside[0] if len(inside) > 1 else "."
        parts = name.split("/")[1:]
        other = parts[0] if len(parts) > 1 else "."
        floor = {room: number for number, rooms in enumerate(floors) for room in rooms}
        if own not in floor or other not in floor:
            yield "rooms", f'includes "{name}": {own if own not in floor else other} has no floor in {module}; add it to ROOMS'
        elif own != other and floor[other] >= floor[own]:
            yield "rooms", f'includes "{name}": {own} (floor {floor[own]}) may not know {other} (floor {floor[other]})'


def check_families(files):
    """Messages about prefixes that four files of a folder share. A file and its header count once."""
    families = collections.defaultdict(set)
    for path in files:
        if path.suffix in CODE:
            stem = path.name.split(".")[0].removesuffix("_test")
            words = stem.split("_")
            for end in range(1, len(words) + 1):
                families[path.parent, "_".join(words[:end])].add(stem)
    for (folder, prefix), stems in families.items():
        if len(stems) > MAX_FAMILY:
            yield (f"{folder}/{prefix}*:1: [family] {len(stems)} files share the prefix '{prefix}': give them the "
                   f"folder {folder}/{prefix}/")


def check_line(path, lines, index):
    line = lines[index]
    core = path.parts[0] in ("include", "host")
    include = INCLUDE.match(line)
    if is_c_header(path):
        core = False
        yield from check_c_header(line)
    if include:
        quote, name = include.groups()
        if core:
            yield from check_include(path, quote, name)
        if quote == '"':
            yield from check_room(path, name)
        if path.parts[0] != "tests" and "tests/" in name:
            yield "tests", f"includes {name}; nothing outside tests/ may"
    if core and path.name != "host_device.hpp":
        guard = GUARD.match(line)
        follows = lines[index + 1] if index + 1 < len(lines) else ""
        define = DEFINE.match(line)
        if path.name.endswith("_hwy.cpp") and HIGHWAY.match(line):
            pass
        elif CONDITION.match(line):
            if not (guard and DEFINE.match(follows) and DEFINE.match(follows)[1] == guard[1]):
                yield "condition", "has #if; link one source or another instead"
        elif define and not (index and GUARD.match(lines[index - 1])
                             and GUARD.match(lines[index - 1])[1] == define[1]):
            yield "condition", f"defines the macro {define[1]}; the only one is SLUICE_HD"
    if path.parts[0] == "cuda" and not line.lstrip().startswith("//"):
        for pattern, allowed, what in DEVICE:
            if pattern.search(line) and not allowed.search(path.as_posix()):
                yield "device", what
    if path.parts[0] == "python" and path.suffix in PYTHON and len(line) > MAX_COLUMNS:
        yield "size", f"has {len(line)} columns, {MAX_COLUMNS} at most"
    if OPEN_WORK.search(line):
        yield "todo", f"has open work without its issue: write {WORD}(#12)"
    if CATCH_ALL.search(line) and path.suffix != ".py":
        yield "catch", "catches everything; name the exception"


def check_tree(root):
    """Messages "path:line: [rule] what", in the order of the files."""
    root = pathlib.Path(root)
    found, seen = [], []
    for top in SOURCE_DIRS:
        for file in sorted((root / top).rglob("*")):
            named = file.suffix in SOURCES or file.name == "CMakeLists.txt"
            if not named or not file.is_file() or "__pycache__" in file.parts:
                continue
            path = file.relative_to(root)
            seen.append(path)
            lines = file.read_text(encoding="utf-8").splitlines()
            if len(lines) > MAX_LINES:
                found.append(f"{path}:{MAX_LINES + 1}: [size] has {len(lines)} lines, {MAX_LINES} at "
                             "most; split it by concern")
            for index in range(len(lines)):
                for rule, what in check_line(path, lines, index):
                    found.append(f"{path}:{index + 1}: [{rule}] {what}")
    return found + sorted(check_families(seen))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if not (pathlib.Path(sys.argv[1]) / "include" / "sluice").is_dir():
        sys.exit(f"{sys.argv[1]}: has no include/sluice; give the project's root")
    messages = check_tree(sys.argv[1])
    print("\n".join(messages) or "the tree keeps its rules")
    sys.exit(1 if messages else 0)
