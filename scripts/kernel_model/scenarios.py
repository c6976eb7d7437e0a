"""The fused kernels in the situations that the model counts: full tiles, H = the padded width, one layer, I = 15,
no initial state, the input product made in the kernel."""

import collections
import re

from .layout import INPUTS, PRECISIONS
from .machine import Constants, Memory, Program, Thread, WalkError, walk
from .operations.operands import to_bits

Kernel = collections.namedtuple("Kernel", "kind precision units stash")
"""kind: "forward" (x copied), "assembled" or "backward". stash: whether the kernel keeps what backward needs; None where
one kernel does both."""

BIG_N = 1 << 15
ASSEMBLED_AHEAD = 8
REGION = 1 << 36

# Null or 0 in every scenario.
ABSENT = {"product", "h_first", "c_first", "h", "h_sequence", "c_sequence", "gates", "dh_last", "dc_last", "dh_first",
          "dc_first", "next"}


def kernel_of(name):
    """The Kernel that a demangled, shortened name means, or None: forward_kernel<2, 128, true, CopiedInput<2> >."""
    found = re.match(r"(forward|backward)_kernel<(\d), (\d+)(.*)>$", name)
    if not found:
        return None
    kind = found[1]
    if kind == "forward" and "AssembledInput" in found[4]:
        kind = "assembled"
    flag = re.match(r", (true|false)\b", found[4])
    return Kernel(kind, PRECISIONS[int(found[2]) - 1], int(found[3]), flag[1] == "true" if flag else None)


def scenario_names(kernel):
    if kernel.kind == "backward":
        return ("training",)
    if kernel.stash is not None:
        return ("training",) if kernel.stash else ("inference",)
    return ("inference",) if kernel.kind == "assembled" else ("inference", "training")


class Pointers:
    """Addresses for names, each with readable memory behind it."""

    def __init__(self, memory):
        self.memory, self.next = memory, REGION

    def __call__(self, *names, value=lambda offset: 0, prefix=""):
        out = {}
        for name in names:
            self.memory.region(self.next, self.next + REGION, value)
            out[prefix + name] = self.next
            self.next += REGION
        return out


def window_values(layout, pointers):
    """One target with calendar, two covariates and an embedding: 1 + 2 + 4 + 8 = 15 inputs."""
    space = {"T": 256, "K": 24, "M": 1, "C": INPUTS, "past_channels": 1, "future_channels": 1, "calendar_terms": 4,
             "embedding_count": 1, "base_season": 24, "series": 1, "total": 1 << 20, "calendar_rows": 1 << 20}
    values = {"windows.space." + key: value for key, value in space.items()}
    values |= pointers("offset", "calendar_row", "v", "s", "o", "covariates", "calendar", "codes", "embedding_at",
                       prefix="windows.space.")
    values |= pointers("embedding_width", value=lambda offset: 8, prefix="windows.space.")
    window = layout.fields["window"]
    origin, size = window["origin"].offset, (max(f.offset + f.size for f in window.values()) + 7) // 8 * 8
    values |= pointers("windows", value=lambda offset: 4096 if offset % size == origin else 0, prefix="windows.")
    return values | pointers("params", prefix="windows.") | {"windows.N": BIG_N, "first_step": 0}


def forward_values(kernel, name, steps, tiles, layout, pointers, data, fetch):
    """Parameters by their fields' names. Without `fetch` copied rows have no bytes, and one step is assembled at a
    time, for which the last threads of a block have nothing to do."""
    of = layout.values[kernel.precision, kernel.units]
    pitch = of.x_pitch if fetch else 0
    chunks = pitch * of.element_bytes // 16
    values = {"steps": steps, "H": kernel.units, "units": kernel.units, "x_steps": of.x_steps, "x_pitch": pitch,
              "x_stride": of.x_pitch, "h_stride": kernel.units, "N": BIG_N, "tiles": tiles, "ahead": 1,
              "copy_shift": max(chunks - 1, 0).bit_length(), "vector": 1}
    values |= pointers("fragments", "x", "h_last", "c_last") | pointers("bias", value=data)
    if name == "training":
        values |= pointers("h", "h_sequence", "c_sequence", "gates")
    values |= {"wanted": of.wanted[name], "wanted_last": of.wanted_last[name]}
    # Elements from a step to the next, of the arrays that there are.
    rows = {"x": of.x_pitch, "product": 0, "h": kernel.units, "h_sequence": kernel.units, "c_sequence": kernel.units,
            "gates": 4 * kernel.units}
    values |= {f"after_step.{array}": BIG_N * width if array in values else 0 for array, width in rows.items()}
    if kernel.kind == "assembled":
        ahead = max(1, min(ASSEMBLED_AHEAD, of.threads // (tiles * 16))) if fetch else 1
        values |= {"ahead": ahead} | window_values(layout, pointers)
    return values


def backward_values(kernel, steps, layout, pointers, data):
    of = layout.values[kernel.precision, kernel.units]
    values = {"steps": steps, "H": kernel.units, "units": kernel.units, "dh_pitch": kernel.units, "N": BIG_N, "vector_dh": 1,
              "vector_states": 1}
    return values | pointers("fragments", "dh", "gates", "da") | pointers("c_sequence", value=data)


def launch_constants(kernel, values, layout):
    """Constant bank 0 of a launch with these parameters."""
    constants, fields = Constants(), layout.fields[f"{kernel.kind}.{kernel.precision}"]
    constants.put(0, 4, layout.values[kernel.precision, kernel.units].threads)
    constants.put(4, 8, 1 | 1 << 32)
    constants.put(0x28, 4, 0x00FFFD00)  # stack
    constants.put(0x208, 8, 0)  # the descriptor of global memory
    unknown = set(values) - set(fields)
    missing = {f for f in fields if f not in values and f not in ABSENT and not f.startswith("windows.")}
    if unknown or missing:
        raise WalkError(f"parameters of the {kernel.kind} kernel in scenarios.py and in the sources differ: "
                        f"no such field: {sorted(unknown)}; without a value: {sorted(missing)}")
    for field, (offset, size) in fields.items():
        constants.put(offset, size, values.get(field, 0))
    return constants


class Counter:
    """Walks one kernel's code."""

    def __init__(self, kernel, instructions, layout):
        self.kernel, self.layout = kernel, layout
        self.program = Program(instructions)
        self.instructions = {i.pc: i for i in instructions}

    def walk(self, name, steps, tiles=1, thread=0, data=0.0, fetch=True, trace=False):
        """`data`: what pre-activations and cells are; see per_step()."""
        kernel, memory, bits = self.kernel, Memory(), to_bits(data)
        pointers = Pointers(memory)
        if kernel.kind == "backward":
            values = backward_values(kernel, steps, self.layout, pointers, lambda offset: bits)
        else:
            values = forward_values(kernel, name, steps, tiles, self.layout, pointers, lambda offset: bits, fetch)
        shared = Memory()
        shared.region(0, 1 << 32)
        special = {"SR_TID.X": thread, "SR_TID.Y": 0, "SR_TID.Z": 0, "SR_CTAID.X": 1, "SR_CTAID.Y": 0,
                   "SR_CgaCtaId": 0, "SR_LANEID": thread % 32}
        return walk(self.program, Thread(launch_constants(kernel, values, self.layout), memory, shared, special),
                    trace=trace)

    def per_step(self, name, tiles=1, thread=0, data=0.0, fetch=True):
        """By pc, of one step of one thread: (issued, done). From two walks of different lengths, so that what a
        kernel does before and after its steps falls out. Where code takes different ways for small and large
        numbers, `data` 0 and 1 give both."""
        short, long = (8, 16) if self.kernel.kind == "assembled" else (4, 8)
        a, b = (self.walk(name, steps, tiles, thread, data, fetch) for steps in (short, long))
        return ({pc: (b.issued[pc] - a.issued[pc]) / (long - short) for pc in b.issued},
                {pc: (b.done[pc] - a.done[pc]) / (long - short) for pc in b.done})
