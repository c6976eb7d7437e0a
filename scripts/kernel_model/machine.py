"""One thread of a kernel, run instruction by instruction on real numbers: branches are taken by the values of
the parameters, the indices and the memory that the caller gives. Counts what was issued.

What is not modelled: other threads (a barrier is passed, a shuffle gives a thread its own value, a matrix
instruction returns its addend), time, and the last bit of floats. An operation that is not known makes its result
unknown; a branch, a guard or an address that depends on an unknown value ends the walk with the place.
"""

import collections

from . import operations, sass

MASK = 0xFFFFFFFF


class WalkError(Exception):
    pass


class Memory:
    """Words of 32 bits by address. What nobody wrote reads as its region's value."""

    def __init__(self):
        self.words, self.regions = {}, []

    def region(self, begin, end, value=lambda offset: 0):
        """Reads of [begin, end) that nobody wrote give value(offset of the word)."""
        self.regions.append((begin, end, value))

    def load(self, address):
        if address in self.words:
            return self.words[address]
        for begin, end, value in self.regions:
            if begin <= address < end:
                return value(address - begin) & MASK
        raise WalkError(f"a read of address {address:#x}, where the scenario has no memory")

    def store(self, address, value):
        self.words[address] = value


class Constants:
    """Constant bank 0: what a launch puts there. Reads of bytes that nobody named are an error."""

    def __init__(self):
        self.bytes = {}

    def put(self, offset, size, value):
        for i in range(size):
            self.bytes[offset + i] = (value >> (8 * i)) & 0xFF

    def get(self, offset, size):
        try:
            return sum(self.bytes[offset + i] << (8 * i) for i in range(size))
        except KeyError:
            raise WalkError(f"a read of c[0x0][{offset:#x}], which is no parameter that a declaration names "
                            f"(parameters begin at 0x210: byte {offset - 0x210})") from None


Walked = collections.namedtuple("Walked", "issued done addresses trace")
"""By pc: how often an instruction was issued, how often its guard let it act, and the addresses that it last
touched; and all pcs in order, if asked for."""


class Program:
    """A function made ready to run."""

    def __init__(self, instructions):
        self.instructions = instructions
        self.index = {instruction.pc: i for i, instruction in enumerate(instructions)}
        self.steps = [operations.compile_instruction(instruction) for instruction in instructions]


class Thread:
    """`special`: {"SR_TID.X": 0, ...}."""

    def __init__(self, constants, memory, shared, special):
        self.r = [0] * 512  # 0..255: R0 .. RZ; 256 ..: UR0 .. URZ
        self.p = [False] * 16  # P0 .. PT, UP0 .. UPT
        self.p[7] = self.p[15] = True
        self.constants, self.memory, self.shared, self.special = constants, memory, shared, special
        self.local = Memory()
        self.local.region(-(1 << 24), 1 << 32)
        self.touched = None


def walk(program, thread, most=5_000_000, trace=False):
    """Runs to EXIT."""
    count = len(program.steps)
    issued, done, addresses, pcs = [0] * count, [0] * count, {}, []
    at = 0
    for _ in range(most):
        instruction = program.instructions[at]
        issued[at] += 1
        if trace:
            pcs.append(instruction.pc)
        guard, act = program.steps[at]
        try:
            if guard is not None:
                holds = guard(thread)
                if holds is None:
                    raise WalkError("the guard is unknown")
                if not holds:
                    at += 1
                    continue
            done[at] += 1
            thread.touched = None
            target = act(thread)
            if thread.touched is not None:
                addresses[instruction.pc] = thread.touched
        except (WalkError, sass.SassError) as error:
            raise WalkError(f"at {instruction.pc:#06x} `{instruction.text}`: {error}") from None
        if target is None:
            at += 1
        elif target == "exit":
            pc = [i.pc for i in program.instructions]
            return Walked(dict(zip(pc, issued)), dict(zip(pc, done)), addresses, pcs)
        else:
            at = program.index[target]
    raise WalkError(f"no end after {most} instructions, at {program.instructions[at].pc:#06x}")
