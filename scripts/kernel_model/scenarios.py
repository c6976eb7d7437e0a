"""The fused kernels in the situations that the model counts: full tiles, H = the padded width, one layer, I = 15,
no initial state, the input product made in the kernel."""

import collections
import re

from .layout import PRECISIONS
from .machine import Constants, Memory, Program, Thread, walk
from .operations.operands import to_bits

Kernel = collections.namedtuple("Kernel", "kind precision units training")
"""kind: "forward" (x copied), "assembled" or "backward". training: True, False, or None where one kernel does both."""

BIG_N = 1 << 15
SHARED_BYTES = 232448
ASSEMBLED_AHEAD = 8


def kernel_of(name):
    """The Kernel that a demangled, shortened name means, or None: forward_kernel<2, 128, CopiedInput<2> >."""
    found = re.match(r"(forward|backward)_kernel<(\d), (\d+)(.*)>$", name)
    if not found:
        return None
    kind = found[1]
    if kind == "forward" and "AssembledInput" in found[4]:
        kind = "assembled"
    flag = re.search(r"\b(true|false)\b", found[4])
    return Kernel(kind, PRECISIONS[int(found[2]) - 1], int(found[3]), flag[1] == "true" if flag else None)


def scenario_names(kernel):
    if kernel.kind == "backward":
        return ("training",)
    if kernel.training is None:
        return ("inference", "training") if kernel.kind == "forward" else ("inference",)
    return ("training",) if kernel.training else ("inference",)


def pointers(names, space, memory, value=lambda offset: 0):
    """An address for each name, 2^36 bytes apart, readable."""
    out = {}
    for name in names:
        space[0] += 1 << 36
        memory.region(space[0], space[0] + (1 << 36), value)
        out[name] = space[0]
    return out


def forward_values(kernel, name, steps, tiles, layout, memory, data, fetch):
    """Parameters by their fields' names. Without `fetch` copied rows have no bytes, and one step is assembled at a
    time, for which the last threads of a block have nothing to do."""
    of, space = layout.values[kernel.precision, kernel.units], [0]
    values = {"steps": steps, "H": kernel.units, "units": kernel.units, "x_steps": of.x_steps, 
              "x_pitch": of.x_pitch if fetch else 0,
              "x_stride": of.x_pitch, "h_stride": kernel.units, "N": BIG_N, "tiles": tiles, "slots": 2, "ahead": 1,
              "vector": 1}
    values |= pointers(("fragments", "x", "h_last", "c_last"), space, memory)
    values |= pointers(("bias",), space, memory, data)
    if name == "training":
        values |= pointers(("h", "h_sequence", "c_sequence", "gates"), space, memory)
    if kernel.kind == "assembled":
        ahead = max(1, min(ASSEMBLED_AHEAD, of.threads // (tiles * 16))) if fetch else 1
        values |= {"slots": 2 * ahead, "ahead": ahead, "first_step": 0}
        # One target with calendar, two covariates and an embedding: 1 + 2 + 4 + 8 = 15 inputs.
        values |= {"windows.space." + key: value for key, value in {
            "T": 256, "K": 24, "M": 1, "C": 15, "past_channels": 1, "future_channels": 1, "calendar_terms": 4,
            "embedding_count": 1, "base_season": 24, "series": 1, "total": 1 << 20, "calendar_rows": 1 << 20}.items()}
        values |= {"windows." + key: value for key, value in pointers(
            ("space.offset", "space.calendar_row", "space.v", "space.s", "space.o", "space.covariates",
             "space.calendar", "space.codes", "space.embedding_at", "params"), space, memory).items()}
        values |= {"windows." + key: value for key, value in pointers(
            ("space.embedding_width",), space, memory, lambda offset: 8).items()}
        window = layout.fields["window"]
        origin, size = window["origin"].offset, (max(f.offset + f.size for f in window.values()) + 7) // 8 * 8
        values |= {"windows." + key: value for key, value in pointers(
            ("windows",), space, memory, lambda offset: 4096 if offset % size == origin else 0).items()}
        values["windows.N"] = BIG_N
    return values


def backward_values(kernel, steps, layout, memory, data):
    of, space = layout.values[kernel.precision, kernel.units], [0]
    values = {"steps": steps, "H": kernel.units, "units": kernel.units, "dh_pitch": kernel.units, "N": BIG_N,
              "buffers": 2 if of.backward_shared <= SHARED_BYTES else 1, "vector_dh": 1, "vector_states": 1}
    values |= pointers(("fragments", "dh", "gates", "da"), space, memory)
    return values | pointers(("c_sequence",), space, memory, data)


class Counter:
    """Walks one kernel's code."""

    def __init__(self, kernel, instructions, layout):
        self.kernel, self.layout = kernel, layout
        self.program = Program(instructions)
        self.instructions = {i.pc: i for i in instructions}

    def walk(self, name, steps, tiles=1, thread=0, data=0.0, fetch=True, trace=False):
        """`data`: what pre-activations and cells are; see per_step()."""
        bits = to_bits(data)

        def numbers(offset):
            return bits
        kernel, memory, constants = self.kernel, Memory(), Constants()
        threads = self.layout.values[kernel.precision, kernel.units].threads
        backward = kernel.kind == "backward"
        values = (backward_values(kernel, steps, self.layout, memory, numbers) if backward else
                  forward_values(kernel, name, steps, tiles, self.layout, memory, numbers, fetch))
        constants.put(0, 4, threads)
        constants.put(4, 8, 1 | 1 << 32)
        constants.put(0x28, 4, 0x00FFFD00)  # stack
        constants.put(0x208, 8, 0)  # the descriptor of global memory
        for field, (offset, size) in self.layout.fields[f"{kernel.kind}.{kernel.precision}"].items():
            constants.put(offset, size, values.pop(field, 0))
        for field in ("x_stride", "h_stride"):  # of newer sources
            values.pop(field, None)
        if values:
            raise KeyError(f"no parameters of {kernel} have the names {sorted(values)}; see scenarios.py")
        shared = Memory()
        shared.region(0, 1 << 32)
        special = {"SR_TID.X": thread, "SR_TID.Y": 0, "SR_TID.Z": 0, "SR_CTAID.X": 1, "SR_CTAID.Y": 0,
                   "SR_CgaCtaId": 0, "SR_LANEID": thread % 32}
        return walk(self.program, Thread(constants, memory, shared, special), trace=trace)

    def per_step(self, name, tiles=1, thread=0, data=0.0, fetch=True):
        """By pc, of one step of one thread: (issued, done). From two walks of different lengths, so that what a
        kernel does before and after its steps falls out. Where code takes different ways for small and large
        numbers, `data` 0 and 1 give both."""
        short, long = (8, 24) if self.kernel.kind == "assembled" else (4, 8)
        a, b = (self.walk(name, steps, tiles, thread, data, fetch) for steps in (short, long))
        return ({pc: (b.issued[pc] - a.issued[pc]) / (long - short) for pc in b.issued},
                {pc: (b.done[pc] - a.done[pc]) / (long - short) for pc in b.done})
