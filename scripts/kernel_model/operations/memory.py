"""Loads and stores."""

from .. import sass
from .operands import constant, read_address, register, write_register
from .registry import has, operation


@operation("LDC", "ULDC")
def load_constant(instruction):
    words = sass.width_bits(instruction.op) // 32
    size = 1 if has(instruction, "U8", "S8") else 4 * max(words, 1)
    value, write = constant(instruction.operands[1], size), write_register(instruction.operands[0], max(words, 1))
    return lambda thread: write(thread, value(thread))


def place_of(instruction):
    return next(o for o in instruction.operands if "[" in o)


def memory_of(instruction, thread):
    name = instruction.op[:3]
    return thread.local if name in ("LDL", "STL") else (thread.shared if name in ("LDS", "STS") else thread.memory)


@operation("LDG", "LDS", "LDL", "LD", "LDSM")
def load(instruction):
    width = sass.width_bits(instruction.op)
    words, result = max(width // 32, 1), register(instruction.operands[0])
    address = read_address(place_of(instruction))

    def act(thread):
        at = address(thread)
        if at is None:
            raise sass.SassError("the address is unknown")
        thread.touched = at
        memory = memory_of(instruction, thread)
        for i in range(words):
            value = memory.load((at & ~3) + 4 * i)
            if width < 32 and value is not None:
                value = value >> (8 * (at & 3)) & ((1 << width) - 1)
            if result not in (255, 511):
                thread.r[result + i] = value
    return act


@operation("STG", "STS", "STL", "ST", "RED", "REDG")
def store(instruction):
    width = sass.width_bits(instruction.op)
    address, value = read_address(place_of(instruction)), register(instruction.operands[-1])

    def act(thread):
        at = address(thread)
        if at is None:
            raise sass.SassError("the address is unknown")
        thread.touched = at
        memory = memory_of(instruction, thread)
        if width < 32:
            return memory.store(at & ~3, None)
        for i in range(width // 32):
            memory.store(at + 4 * i, 0 if value in (255, 511) else thread.r[value + i])
        return None
    return act


@operation("LDGSTS")
def copy_to_shared(instruction):
    to, source = (read_address(o) for o in instruction.operands[:2])
    words = sass.width_bits(instruction.op) // 32

    def act(thread):
        into, at = to(thread), source(thread)
        if into is None or at is None:
            raise sass.SassError("the address is unknown")
        thread.touched = at
        for i in range(words):
            thread.shared.store(into + 4 * i, thread.memory.load(at + 4 * i))
    return act
