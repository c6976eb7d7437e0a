"""Where the parameters of the fused kernels lie and what the layout says, asked of the sources themselves: a small
program, written from the structs' declarations and compiled with the host's compiler against tests/simt's stand-in
for CUDA, prints it. A struct lies the same way in device code."""

import collections
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDES = ("tests/simt/shadow", "tests/simt", "cuda", "host", "include")
PARAMETERS_BEGIN = 0x210  # of constant bank 0, on sm_90

# Structs whose fields a scenario may name: where each is declared.
DECLARED = {
    "Forward": "cuda/recurrence/fused_mma/kernels.hpp",
    "ForwardPlan": "cuda/recurrence/fused_mma/forward.cuh",
    "AssembledInput": "cuda/recurrence/fused_mma/forward.cuh",
    "Backward": "cuda/recurrence/fused_mma/kernels.hpp",
    "BackwardPlan": "cuda/recurrence/fused_mma/backward.cuh",
    "WindowRows": "host/engine/shared/window_rows.hpp",
    "SpaceView": "host/engine/shared/window_rows.hpp",
    "Window": "include/sluice/data/window.hpp",
    "ForwardWalk": "cuda/recurrence/fused_simt/walk.hpp",
    "BackwardWalk": "cuda/recurrence/fused_simt/walk.hpp",
    "Cut": "cuda/recurrence/fused_simt/walk.hpp",
}
# A field of one of these types is a struct of its own.
NESTED = ("WindowRows", "SpaceView", "Cut")
PRECISIONS = ("tf32", "bf16")
UNITS = (16, 32, 48, 64, 96, 128)

Field = collections.namedtuple("Field", "offset size")


class LayoutError(Exception):
    pass


def fields_of(text, struct):
    """[(name, type)] of a struct's data members, by its declaration in `text`."""
    found = re.search(rf"\bstruct {struct} (?:final )?{{(.*?)\n}};", text, re.DOTALL)
    if not found:
        raise LayoutError(f"no declaration of struct {struct}")
    body = re.sub(r"//[^\n]*", "", found[1])
    while re.search(r"{[^{}]*}", body):  # functions, initialisers
        body = re.sub(r"{[^{}]*}", ";", body)
    names = []
    for statement in body.split(";"):
        statement = statement.strip()
        if not statement or re.match(r"(template|using|static|friend|return|if|for)\b", statement) or re.search(
                r"\boperator\b", statement) or re.search(r"\w\s*\(", statement):
            continue
        statement = re.sub(r"=\s*[^,]*", "", statement)
        while re.search(r"<[^<>]*>", statement):
            statement = re.sub(r"<[^<>]*>", "", statement)
        parts = [part.strip() for part in statement.split(",")]
        kind = parts[0].split()[0 if parts[0].split()[0] != "const" else 1].split("::")[-1]
        names += [(re.findall(r"\w+", part)[-1], kind) for part in parts if re.findall(r"\w+", part)]
    return names


def source():
    """The program."""
    texts = {name: (ROOT / file).read_text(encoding="utf-8") for name, file in DECLARED.items()}
    members = {name: fields_of(text, name) for name, text in texts.items()}

    def lines(struct, cpp, kernel, base, prefix=""):
        out = []
        for name, kind in members[struct]:
            place = f"{base} + offset(&{cpp}::{name})"
            if kind in NESTED:
                inner = f"std::remove_reference_t<decltype(std::declval<{cpp}&>().{name})>"
                out += lines(kind, inner, kernel, place, f"{prefix}{name}.")
            else:
                out.append(f'  std::printf("field {kernel} {prefix}{name} %zu %zu\\n", {place}, '
                           f"sizeof(std::declval<{cpp}&>().{name}));")
        return out

    def parameters(kernel, *structs):
        """Of one kernel, one after the other as a launch puts them."""
        out = ["  { std::size_t at = 0;"]
        for struct, cpp in structs:
            out.append(f"  at = (at + alignof({cpp}) - 1) / alignof({cpp}) * alignof({cpp});")
            out += lines(struct, cpp, kernel, "at")
            out.append(f"  at += sizeof({cpp});")
        return out + ["  }"]
    body = []
    for precision in PRECISIONS:
        p = f"sluice::Precision::{precision}"
        forward = ("Forward", f"sluice::mma::Forward<sluice::mma::Element<{p}>>")
        plan = ("ForwardPlan", "sluice::mma::ForwardPlan")
        body += parameters(f"forward.{precision}", forward, plan)
        body += parameters(f"assembled.{precision}", forward, plan,
                           ("AssembledInput", f"sluice::mma::AssembledInput<{p}>"))
        body += parameters(f"backward.{precision}", ("Backward", f"sluice::mma::Backward<sluice::mma::Element<{p}>>"),
                           ("BackwardPlan", "sluice::mma::BackwardPlan"))
        for units in UNITS:
            for inputs in (15,):
                steps = f"sluice::mma::input_steps({p}, sluice::mma::input_pitch({p}, {inputs}))"
                body.append(f'  std::printf("value {precision} {units} %d %d %d %d %d %d\\n", '
                            f"sluice::mma::threads_of({units}), sluice::mma::resident_blocks({units}), {steps}, "
                            f"sluice::mma::input_pitch({p}, {inputs}), sluice::mma::element_bytes({p}), "
                            f"sluice::mma::backward_shared({p}, {units}, 2).end);")
                body += [f'  std::printf("shared {precision} {units} {tiles} %d\\n", '
                         f"sluice::mma::forward_shared({p}, {units}, {tiles}, {steps}, 2).end);" for tiles in range(1, 5)]
    body += parameters("simt.forward", ("ForwardWalk", "sluice::fused_simt::ForwardWalk"))
    body += parameters("simt.backward", ("BackwardWalk", "sluice::fused_simt::BackwardWalk"))
    body += parameters("window", ("Window", "sluice::Window"))
    return "\n".join(["#include <cstddef>", "#include <cstdio>", "#include <type_traits>", "#include <utility>",
                      '#include "recurrence/fused_mma/backward.cuh"', '#include "recurrence/fused_mma/forward.cuh"',
                      '#include "recurrence/fused_simt/walk.hpp"', '#include "sluice/data/window.hpp"',
                      "template <typename S, typename M> std::size_t offset(M S::*member) {",
                      "  static S object{};",
                      "  return static_cast<std::size_t>(reinterpret_cast<char*>(&(object.*member)) -",
                      "                                  reinterpret_cast<char*>(&object));", "}",
                      "int main() {", *body, "}", ""])


class Layout:
    """`fields`: {kernel: {field: Field}}, offsets in constant bank 0, but of "window" in the struct. `values`: {(precision, units): Values}."""

    def __init__(self, text):
        self.fields, self.values, self.shared = collections.defaultdict(dict), {}, {}
        for line in text.splitlines():
            kind, *rest = line.split()
            if kind == "field":
                kernel, name, offset, size = rest
                begin = 0 if kernel == "window" else PARAMETERS_BEGIN
                self.fields[kernel][name] = Field(begin + int(offset), int(size))
            elif kind == "value":
                self.values[rest[0], int(rest[1])] = Values(*map(int, rest[2:]))
            elif kind == "shared":
                self.shared[rest[0], int(rest[1]), int(rest[2])] = int(rest[3])


Values = collections.namedtuple("Values", "threads resident x_steps x_pitch element_bytes backward_shared")
"""Of a precision and a padded width, with the model's inputs: threads of a block, blocks that registers allow on a
multiprocessor, steps of depth and pitch of x, bytes of an element, shared memory of a backward block."""


def compiler():
    """A C++20 compiler of the host, or None."""
    return next((found for name in (os.environ.get("CXX", ""), "c++", "g++", "clang++")
                 if name and (found := shutil.which(name))), None)


def read():
    """The layout of the sources as they are."""
    cxx = compiler()
    if cxx is None:
        raise LayoutError("no C++ compiler here to ask the parameters' layout of; install one, or set CXX")
    with tempfile.TemporaryDirectory() as folder:
        file, program = pathlib.Path(folder) / "layout.cpp", pathlib.Path(folder) / "layout"
        file.write_text(source(), encoding="utf-8")
        command = [cxx, "-std=c++20", "-O0", "-w", *(f"-I{ROOT / place}" for place in INCLUDES), str(file), "-o",
                   str(program)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise LayoutError(f"the program that prints the parameters' layout does not compile:\n{done.stderr[:3000]}")
        return Layout(subprocess.run([str(program)], capture_output=True, text=True, check=True).stdout)
