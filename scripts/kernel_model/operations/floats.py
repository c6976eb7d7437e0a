"""Floats, nearly: rounding modes are not followed."""

import math
import struct

from .operands import (predicate, read, read_float, read_predicate, register, signed, to_bits, to_float,
                       write_predicate, write_register)
from .registry import COMBINE, COMPARE, combined, has, operation, simple


@operation("FADD", "FMUL", "FFMA")
def arithmetic(instruction):
    write = write_register(instruction.operands[0])
    reads = [read_float(o) for o in instruction.operands[1:] if not predicate(o)]
    name, saturate = instruction.op.split(".")[0], has(instruction, "SAT")
    function = {"FADD": lambda a, b: a + b, "FMUL": lambda a, b: a * b, "FFMA": lambda a, b, c: a * b + c}[name]

    def act(thread):
        values = [r(thread) for r in reads]
        if None in values:
            return write(thread, None)
        out = function(*values)
        return write(thread, to_bits(min(max(out, 0.0), 1.0) if saturate and out == out else out))
    return act


@operation("FMNMX")
def float_smaller_or_larger(instruction):
    write = write_register(instruction.operands[0])
    a, b = read_float(instruction.operands[1]), read_float(instruction.operands[2])
    smaller = read_predicate(instruction.operands[3])

    def act(thread):
        x, y = a(thread), b(thread)
        write(thread, None if x is None or y is None else to_bits((min if smaller(thread) else max)(x, y)))
    return act


@operation("FSETP")
def float_compare(instruction):
    parts = instruction.op.split(".")[1:]
    relation, joint = parts[0], next(p for p in parts if p in COMBINE)
    one, two = write_predicate(instruction.operands[0]), write_predicate(instruction.operands[1])
    a, b = read_float(instruction.operands[2]), read_float(instruction.operands[3])
    also = read_predicate(instruction.operands[4])

    def act(thread):
        x, y, answer = a(thread), b(thread), None
        if x is not None and y is not None:
            unordered = math.isnan(x) or math.isnan(y)
            if relation == "NAN":
                answer = unordered
            elif unordered:
                answer = relation.endswith("U") or relation == "NE"
            else:
                answer = COMPARE[relation.removesuffix("U")](x, y)
        joined = also(thread)
        one(thread, combined(joint, answer, joined))
        two(thread, combined(joint, None if answer is None else not answer, joined))
    return act


@operation("FSET")
def float_set(instruction):
    return lambda thread: write_register(instruction.operands[0])(thread, None)


@operation("FCHK")
def division_is_hard(instruction):
    return lambda thread: write_predicate(instruction.operands[0])(thread, False)


def reciprocal(x):
    return math.copysign(math.inf, x) if x == 0 else 1 / x


SPECIAL = {"RCP": reciprocal, "TANH": math.tanh, "EX2": lambda x: math.inf if x > 128 else 2.0 ** x,
           "LG2": lambda x: math.log2(x) if x > 0 else -math.inf, "SQRT": lambda x: math.sqrt(x) if x >= 0 else math.nan,
           "RSQ": lambda x: 1 / math.sqrt(x) if x > 0 else math.inf, "SIN": math.sin, "COS": math.cos}


@operation("MUFU")
def special_function(instruction):
    write, value = write_register(instruction.operands[0]), read_float(instruction.operands[1])
    function = SPECIAL.get(instruction.op.split(".")[1])

    def act(thread):
        x = value(thread)
        write(thread, None if x is None or function is None else to_bits(function(x)))
    return act


@operation("I2F", "I2FP")
def from_integer(instruction):
    words = 2 if has(instruction, "U64", "S64") else 1
    write, value = write_register(instruction.operands[0]), read(instruction.operands[1], words)
    unsigned = has(instruction, "U32", "U64")
    double = has(instruction, "F64")

    def act(thread):
        x = value(thread)
        if x is None or double:
            return write(thread, None)
        bits = to_bits(float(x if unsigned else signed(x, 32 * words)))
        if has(instruction, "RP") and to_float(bits) < x:
            bits += 1
        return write(thread, bits)
    return act


@operation("F2I")
def to_integer(instruction):
    words = 2 if has(instruction, "U64", "S64") else 1
    write, value = write_register(instruction.operands[0], words), read_float(instruction.operands[1])
    unsigned = has(instruction, "U32", "U64")

    def act(thread):
        x = value(thread)
        if x is None or math.isnan(x) or has(instruction, "F64"):
            return write(thread, None)
        bits = 32 * words
        low, high = (0, (1 << bits) - 1) if unsigned else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
        whole = high if x >= high else (low if x <= low else (int(x) if has(instruction, "TRUNC") else round(x)))
        return write(thread, whole)
    return act


@operation("F2FP")
def pack_bf16(instruction):
    def pack(high, low):
        def cut(bits):
            return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16 & 0xFFFF
        return cut(high) << 16 | cut(low)
    return simple(instruction, pack)


@operation("HFMA2")
def half_pair(instruction):
    """Used by the compiler to make a constant: 0 * 0 + two halves."""
    write, operands = write_register(instruction.operands[0]), instruction.operands
    if operands[1].lstrip("-") != "RZ" or operands[2] != "RZ":
        return lambda thread: write(thread, None)
    high, low = (struct.unpack("<H", struct.pack("<e", float(o)))[0] for o in operands[3:5])
    return lambda thread: write(thread, high << 16 | low)


@operation("HMMA")
def matrix(instruction):
    """The sums as they were: what is multiplied is not followed."""
    result, addend = register(instruction.operands[0]), register(instruction.operands[3])

    def act(thread):
        for i in range(4):
            thread.r[result + i] = 0 if addend == 255 else thread.r[addend + i]
    return act


@operation("DADD", "DMUL", "DFMA", "DSETP", "F2F", "FRND")
def unknown_result(instruction):
    if instruction.op.startswith("DSETP"):
        return lambda thread: write_predicate(instruction.operands[0])(thread, None)
    words = 2 if instruction.op.startswith("D") or has(instruction, "F64") else 1
    return lambda thread: write_register(instruction.operands[0], words)(thread, None)
