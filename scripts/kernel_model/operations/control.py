"""Branches, and moves between registers."""

from .. import sass
from .operands import predicate, read, read_predicate, register, write_predicate, write_register
from .registry import has, operation, simple


@operation("BRA")
def branch(instruction):
    target = int(instruction.operands[-1].split()[-1], 16)
    condition = read_predicate(instruction.operands[0]) if len(instruction.operands) > 1 and predicate(
        instruction.operands[0]) else None
    if has(instruction, "DIV"):
        return lambda thread: None  # lanes are together

    def act(thread):
        taken = True if condition is None else condition(thread)
        if taken is None:
            raise sass.SassError("the branch depends on an unknown value")
        return target if taken else None
    return act


@operation("CALL")
def call(instruction):
    target = int(instruction.operands[-1].split()[-1], 16)
    return lambda thread: target


@operation("RET")
def give_back(instruction):
    place = register(instruction.operands[0].split()[0])

    def act(thread):
        if thread.r[place] is None:
            raise sass.SassError("the return address is unknown")
        return thread.r[place]
    return act


@operation("EXIT")
def leave(instruction):
    return lambda thread: "exit"


@operation("BSSY", "BSYNC", "BREAK", "NOP", "BAR", "DEPBAR", "LDGDEPBAR", "WARPSYNC", "ENDCOLLECTIVE", "YIELD",
           "MEMBAR", "ERRBAR", "CCTL", "BMOV")
def nothing(instruction):
    return lambda thread: None


@operation("MOV", "R2UR")
def move(instruction):
    return simple(instruction, lambda x: x)


@operation("CS2R")
def clear(instruction):
    words = 1 if has(instruction, "32") else 2
    if instruction.operands[1] != "SRZ":
        return lambda thread: write_register(instruction.operands[0], words)(thread, None)
    write = write_register(instruction.operands[0], words)
    return lambda thread: write(thread, 0)


@operation("S2R", "S2UR")
def special(instruction):
    write, name = write_register(instruction.operands[0]), instruction.operands[1]
    return lambda thread: write(thread, thread.special.get(name))


@operation("SEL", "FSEL")
def select(instruction):
    write = write_register(instruction.operands[0])
    one, other = read(instruction.operands[1]), read(instruction.operands[2])
    condition = read_predicate(instruction.operands[3])

    def act(thread):
        which = condition(thread)
        write(thread, None if which is None else (one if which else other)(thread))
    return act


@operation("P2R")
def pack_predicates(instruction):
    write, keep, mask = (write_register(instruction.operands[0]), read(instruction.operands[2]),
                         read(instruction.operands[3]))

    def act(thread):
        bits = sum(1 << i for i in range(7) if thread.p[i])
        write(thread, (keep(thread) & ~mask(thread)) | (bits & mask(thread)))
    return act


@operation("R2P")
def unpack_predicates(instruction):
    value, mask = read(instruction.operands[1]), read(instruction.operands[2])

    def act(thread):
        bits, which = value(thread), mask(thread)
        for i in range(7):
            if which >> i & 1:
                thread.p[i] = None if bits is None else bool(bits >> i & 1)
    return act


@operation("PRMT")
def permute(instruction):
    def pick(a, selector, b):
        source, out = a | b << 32, 0
        for i in range(4):
            nibble = selector >> (4 * i) & 0xF
            byte = source >> (8 * (nibble & 7)) & 0xFF
            if nibble & 8:
                byte = 0xFF if byte & 0x80 else 0
            out |= byte << (8 * i)
        return out
    return simple(instruction, pick)


@operation("SHFL")
def shuffle(instruction):
    landed, write, value = (write_predicate(instruction.operands[0]), write_register(instruction.operands[1]),
                            read(instruction.operands[2]))

    def act(thread):
        landed(thread, True)
        write(thread, value(thread))
    return act


@operation("VOTE", "VOTEU")
def vote(instruction):
    return lambda thread: write_register(instruction.operands[0])(thread, None)
