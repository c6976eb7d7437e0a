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
INPUTS = 15  # I of the model
PRECISIONS = ("tf32", "bf16")
UNITS = (16, 32, 48, 64, 96, 128)
MOST_TILES = 4
BATCHES = tuple(1 << power for power in range(4, 18))  # whose tiles are asked for
MULTIPROCESSORS, SHARED_OF_BLOCK = 132, 232448  # of the device that they are chosen for

# Where structs are declared whose fields a scenario may name, and which fields are such structs themselves.
DECLARED = ("cuda/recurrence/fused_mma", "host/engine/shared/window_rows.hpp", "include/sluice/data/window.hpp")
STRUCTS = ("Forward", "ForwardPlan", "CopiedInput", "AssembledInput", "Backward", "BackwardPlan", "WindowRows", "SpaceView",
           "Window")
NESTED = ("WindowRows", "SpaceView")

Field = collections.namedtuple("Field", "offset size")


class LayoutError(Exception):
    pass


def fields_of(text, struct):
    """[(name, type)] of a struct's data members by its declaration in `text`, or None. Of a member that is a struct
    without a name the type is such a list."""
    found = re.search(rf"\bstruct {struct} (?:final )?{{(.*?)\n}};", text, re.DOTALL)
    return members_of(re.sub(r"//[^\n]*", "", found[1])) if found else None


def members_of(body):
    nameless = re.compile(r"\bstruct\s*{([^{}]*)}\s*(\w+)\s*;")
    inner = [(name, members_of(members)) for members, name in nameless.findall(body)]
    body = nameless.sub("", body)
    while re.search(r"{[^{}]*}", body):  # functions, initialisers
        body = re.sub(r"{[^{}]*}", ";", body)
    names = []
    for statement in (part.strip() for part in body.split(";")):
        if not statement or re.match(r"(template|using|static|friend|return|if|for)\b", statement) or re.search(
                r"\boperator\b|\w\s*\(", statement):
            continue
        statement = re.sub(r"=\s*[^,]*", "", statement)
        while re.search(r"<[^<>]*>", statement):
            statement = re.sub(r"<[^<>]*>", "", statement)
        parts = [part.strip() for part in statement.split(",")]
        kind = next(word for word in parts[0].split() if word != "const").split("::")[-1]
        names += [(words[-1], kind) for part in parts if (words := re.findall(r"\w+", part))]
    return names + inner


def declared(tree):
    """{struct: [(name, type)]} of STRUCTS."""
    files = [file for place in DECLARED for file in
             (sorted((tree / place).glob("*.*h*")) if (tree / place).is_dir() else [tree / place])]
    texts, members = [file.read_text(encoding="utf-8") for file in files], {}
    for struct in STRUCTS:
        found = [fields for text in texts if (fields := fields_of(text, struct)) is not None]
        if len(found) != 1:
            raise LayoutError(f"{len(found)} declarations of struct {struct} in {', '.join(DECLARED)}, not one")
        members[struct] = found[0]
    return members


def field_lines(members, struct, cpp, kernel, base, prefix=""):
    """Statements that print the fields of a struct, by its name or its members, which begins at `base`."""
    out = []
    for name, kind in members[struct] if isinstance(struct, str) else struct:
        place = f"{base} + offset(&{cpp}::{name})"
        if isinstance(kind, list) or kind in NESTED:
            inner = f"std::remove_reference_t<decltype(std::declval<{cpp}&>().{name})>"
            out += field_lines(members, kind, inner, kernel, place, f"{prefix}{name}.")
        else:
            out.append(f'std::printf("field {kernel} {prefix}{name} %zu %zu\\n", {place}, '
                       f"sizeof(std::declval<{cpp}&>().{name}));")
    return out


def parameter_lines(members, kernel, *structs):
    """The same for all parameters of a kernel, one after the other as a launch puts them."""
    out = ["{ std::size_t at = 0;"]
    for struct, cpp in structs:
        out.append(f"at = (at + alignof({cpp}) - 1) / alignof({cpp}) * alignof({cpp});")
        out += field_lines(members, struct, cpp, kernel, "at")
        out.append(f"at += sizeof({cpp});")
    return out + ["}"]


# What the arrays of a situation that are not null ask the forward kernel for, beside its last states.
OUTPUTS = {"inference": (), "training": ("h", "h_sequence")}


def value_lines(precision, units):
    """Statements that print Values."""
    p = f"sluice::Precision::{precision}"
    steps = f"input_steps({p}, input_pitch({p}, {INPUTS}))"
    warps = f"({units} / kUnitsOfWarp)"
    values = {
        "threads": f"threads_of({units})",
        "resident": f"resident_blocks({units})",
        "x_steps": steps,
        "x_pitch": f"input_pitch({p}, {INPUTS})",
        "element_bytes": f"element_bytes({p})",
        "backward_shared": f"backward_shared({p}, {units}).end",
        "forward_weights": f"(hidden_steps({p}, {units}) + {steps}) * {warps} * kForwardFragment * 4",
        "backward_weights": f"gradient_steps({p}, {units}) * {warps} * kBackwardFragment * 4",
    }
    values |= {f"forward_shared_{tiles}": f"forward_shared({p}, {units}, {tiles}, {steps}, 2).end"
               for tiles in range(1, MOST_TILES + 1)}
    for situation, arrays in OUTPUTS.items():
        given = "".join(f" some(call.{array});" for array in ("h_last", "c_last", *arrays))
        for last in (False, True):
            values[f"wanted{'_last' if last else ''}_{situation}"] = (
                f"[] {{ Forward<Element<{p}>> call{{}};{given} return wanted_outputs(call, {str(last).lower()}); }}()")
    values |= {f"tiles_{batch}": f"forward_tiles(ForwardLoad{{.precision = {p}, .units = {units}, .x_steps = {steps}, "
                                 f".N = {batch}, .multiprocessors = {MULTIPROCESSORS}, "
                                 f".shared_bytes = {SHARED_OF_BLOCK}}})" for batch in BATCHES}
    return [f'std::printf("value {precision} {units} {name} %lld\\n", static_cast<long long>({value}));'
            for name, value in values.items()]


def source(tree):
    """The program."""
    members, body = declared(tree), []
    for precision in PRECISIONS:
        p = f"sluice::Precision::{precision}"
        forward, plan = ("Forward", f"Forward<Element<{p}>>"), ("ForwardPlan", "ForwardPlan")
        body += parameter_lines(members, f"forward.{precision}", forward, plan,
                                ("CopiedInput", f"CopiedInput<{p}>"))
        body += parameter_lines(members, f"assembled.{precision}", forward, plan,
                                ("AssembledInput", f"AssembledInput<{p}>"))
        body += parameter_lines(members, f"backward.{precision}", ("Backward", f"Backward<Element<{p}>>"),
                                ("BackwardPlan", "BackwardPlan"))
        for units in UNITS:
            body += value_lines(precision, units)
    body += parameter_lines(members, "window", ("Window", "sluice::Window"))
    return "\n".join(["#include <cstddef>", "#include <cstdio>", "#include <type_traits>", "#include <utility>",
                      '#include "recurrence/fused_mma/backward.cuh"', '#include "recurrence/fused_mma/forward.cuh"',
                      '#include "recurrence/fused_mma/tiles.cpp"',
                      '#include "sluice/data/window.hpp"', "using namespace sluice::mma;",
                      "template <typename S, typename M> std::size_t offset(M S::*member) {",
                      "  static S object{};",
                      "  return static_cast<std::size_t>(reinterpret_cast<char*>(&(object.*member)) -",
                      "                                  reinterpret_cast<char*>(&object));", "}",
                      "template <typename T> void some(T*& array) { static std::remove_const_t<T> one; array = &one; }",
                      "int main() {", *("  " + line for line in body), "}", ""])


class Values:
    """Of a precision and a padded width, with INPUTS inputs: threads of a block; resident, blocks that registers
    allow on a multiprocessor; x_steps, x_pitch; element_bytes; backward_shared and forward_shared[tiles], bytes of
    shared memory; forward_weights and backward_weights, bytes that a block reads at its start; tiles[batch] of a forward
    block; wanted and wanted_last[situation], what its steps store."""

    def __init__(self):
        self.forward_shared, self.tiles, self.wanted, self.wanted_last = {}, {}, {}, {}

    def put(self, name, value):
        table, _, key = name.rpartition("_")
        if key.isdigit() or key in OUTPUTS:
            getattr(self, table)[int(key) if key.isdigit() else key] = value
        else:
            setattr(self, name, value)


class Layout:
    """`fields`: {kernel: {field: Field}}, offsets in constant bank 0, but of "window" in the struct. `values`:
    {(precision, units): Values}. Of the lines that the program prints."""

    def __init__(self, text):
        self.fields, self.values = collections.defaultdict(dict), collections.defaultdict(Values)
        for line in text.splitlines():
            kind, *rest = line.split()
            if kind == "field":
                kernel, name, offset, size = rest
                begin = 0 if kernel == "window" else PARAMETERS_BEGIN
                self.fields[kernel][name] = Field(begin + int(offset), int(size))
            else:
                self.values[rest[0], int(rest[1])].put(rest[2], int(rest[3]))


def compiler():
    """A C++20 compiler of the host, or None."""
    return next((found for name in (os.environ.get("CXX", ""), "c++", "g++", "clang++")
                 if name and (found := shutil.which(name))), None)


def read(tree=ROOT):
    """The layout of a tree's sources."""
    cxx = compiler()
    if cxx is None:
        raise LayoutError("no C++ compiler here to ask the parameters' layout of; install one, or set CXX")
    with tempfile.TemporaryDirectory() as folder:
        file, program = pathlib.Path(folder) / "layout.cpp", pathlib.Path(folder) / "layout"
        file.write_text(source(tree), encoding="utf-8")
        command = [cxx, "-std=c++20", "-O0", "-w", *(f"-I{tree / place}" for place in INCLUDES), str(file), "-o",
                   str(program)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise LayoutError(f"the program that prints the parameters' layout does not compile:\n{done.stderr[:3000]}")
        return Layout(subprocess.run([str(program)], capture_output=True, text=True, check=True).stdout)
