"""Integers and predicates."""

from .operands import MASK, predicate, read, read_predicate, signed, write_predicate, write_register
from .registry import COMBINE, COMPARE, combined, has, operation, simple, split_outputs


def add_with_carries(thread, terms, carries_in, writes, write):
    values = [term(thread) for term in terms]
    ins = [carry(thread) for carry in carries_in]
    if any(v is None for v in values) or any(c is None for c in ins):
        write(thread, None)
        for carry in writes:
            carry(thread, None)
        return
    total = sum(values) + sum(ins)
    write(thread, total)
    for i, carry in enumerate(writes):
        carry(thread, total >> 32 > i)


@operation("IADD3", "VIADD", "IADD")
def add(instruction):
    result, carries, operands = split_outputs(instruction)
    ins = [read_predicate(o) for o in operands if predicate(o)] if has(instruction, "X") else []
    terms = [read(o) for o in operands if not predicate(o)]
    write, writes = write_register(result), [write_predicate(c) for c in carries]
    return lambda thread: add_with_carries(thread, terms, ins, writes, write)


@operation("IMAD")
def multiply_add(instruction):
    result, carries, operands = split_outputs(instruction)
    ins = [read_predicate(o) for o in operands if predicate(o)]
    operands = [o for o in operands if not predicate(o)]
    wide, high = has(instruction, "WIDE"), has(instruction, "HI")
    unsigned = has(instruction, "U32") or not (wide or high)
    a, b = read(operands[0]), read(operands[1])
    c = read(operands[2], 2 if wide or high else 1)
    write = write_register(result, 2 if wide else 1)
    writes = [write_predicate(p) for p in carries]

    def act(thread):
        x, y, z = a(thread), b(thread), c(thread)
        ends = [carry(thread) for carry in ins]
        if x is None or y is None or z is None or None in ends:
            # A product by zero is known.
            if (x == 0 or y == 0) and z is not None and None not in ends:
                x = y = 0
            else:
                write(thread, None)
                for carry in writes:
                    carry(thread, None)
                return
        product = x * y if unsigned else signed(x) * signed(y)
        total = product + z + sum(ends)
        write(thread, total >> 32 if high else total)
        for carry in writes:
            carry(thread, total >> (64 if wide or high else 32) != 0)
    return act


@operation("LEA")
def shift_add(instruction):
    result, carries, operands = split_outputs(instruction)
    ins = [read_predicate(o) for o in operands if predicate(o)]
    operands = [o for o in operands if not predicate(o)]
    shift = int(operands.pop(), 16)
    a, b = read(operands[0]), read(operands[1])
    extended = has(instruction, "SX32")
    c = read(operands[2]) if len(operands) > 2 else None

    def shifted(thread):
        low = a(thread)
        if not has(instruction, "HI"):
            return None if low is None else (low << shift) & MASK
        top = (MASK if low is not None and low >> 31 else 0) if extended else (c(thread) if c else 0)
        if low is None or top is None:
            return None
        return (low & MASK | top << 32) >> (32 - shift) & MASK if shift else top
    write, writes = write_register(result), [write_predicate(p) for p in carries]
    return lambda thread: add_with_carries(thread, [shifted, b], ins, writes, write)


@operation("SHF")
def funnel(instruction):
    a, s, c = (read(o) for o in instruction.operands[1:4])
    write = write_register(instruction.operands[0])
    left, high = has(instruction, "L"), has(instruction, "HI")
    is_signed, is_64 = has(instruction, "S32", "S64"), has(instruction, "U64", "S64")

    def act(thread):
        low, by, top = a(thread), s(thread), c(thread)
        if low is None or by is None or top is None:
            return write(thread, None)
        if left:
            by = min(by, 63 if is_64 else 32)
            value = (top << 32 | low) << by
            return write(thread, value >> 32 if high else value)
        by = min(by, 63 if is_64 else 32)
        value = (signed(top) if is_signed else top) << 32 | low
        # The high word alone, or the low word of both.
        return write(thread, (signed(top) if is_signed else top) >> by if high else value >> by)
    return act


@operation("LOP3")
def logic(instruction):
    operands = list(instruction.operands)
    flag = write_predicate(operands.pop(0)) if predicate(operands[0]) else None
    write = write_register(operands[0])
    a, b, c = (read(o) for o in operands[1:4])
    table = int(operands[4], 16)
    also = read_predicate(operands[5]) if len(operands) > 5 else None

    def act(thread):
        x, y, z = a(thread), b(thread), c(thread)
        if x is None or y is None or z is None:
            write(thread, None)
            if flag:
                flag(thread, None)
            return
        out = 0
        for i in range(8):
            if table >> i & 1:
                out |= (x if i & 4 else ~x) & (y if i & 2 else ~y) & (z if i & 1 else ~z)
        out &= MASK
        write(thread, out)
        if flag:
            flag(thread, out != 0 or bool(also and also(thread)))
    return act


@operation("PLOP3")
def logic_of_predicates(instruction):
    one, two = write_predicate(instruction.operands[0]), write_predicate(instruction.operands[1])
    inputs = [read_predicate(o) for o in instruction.operands[2:5]]
    first, second = (int(o, 16) for o in instruction.operands[5:7])

    def act(thread):
        values = [r(thread) for r in inputs]

        def look(table):
            # Unknown only if the table's answer depends on what is unknown.
            answers = {bool(table >> i & 1) for i in range(8)
                       if all(v is None or v == bool(i >> (2 - k) & 1) for k, v in enumerate(values))}
            return answers.pop() if len(answers) == 1 else None
        one_value, two_value = look(first), look(second)
        one(thread, one_value)
        two(thread, two_value)
    return act


@operation("IABS")
def absolute(instruction):
    return simple(instruction, lambda x: abs(signed(x)))


@operation("VIMNMX", "IMNMX")
def smaller_or_larger(instruction):
    write = write_register(instruction.operands[0])
    a, b = read(instruction.operands[1]), read(instruction.operands[2])
    smaller = read_predicate(instruction.operands[3])
    view = (lambda x: x & MASK) if has(instruction, "U32") else signed

    def act(thread):
        x, y = a(thread), b(thread)
        if x is None or y is None:
            return write(thread, None)
        return write(thread, (min if smaller(thread) else max)(view(x), view(y)))
    return act


@operation("POPC", "FLO")
def bits_of(instruction):
    if instruction.op.startswith("POPC"):
        return simple(instruction, lambda x: bin(x & MASK).count("1"))
    return simple(instruction, lambda x: (x & MASK).bit_length() - 1)


@operation("ISETP")
def compare(instruction):
    parts = instruction.op.split(".")[1:]
    relation, joint = COMPARE[parts[0]], next(p for p in parts if p in COMBINE)
    one, two = write_predicate(instruction.operands[0]), write_predicate(instruction.operands[1])
    a, b = read(instruction.operands[2]), read(instruction.operands[3])
    also = read_predicate(instruction.operands[4])
    before = read_predicate(instruction.operands[5]) if "EX" in parts else None
    view = (lambda x: x & MASK) if "U32" in parts else signed
    # With EX the words are the high ones, and `before` is the answer of the low ones.
    def act(thread):
        x, y, answer = a(thread), b(thread), None
        if x is not None and y is not None:
            x, y = view(x), view(y)
            if before is not None and x == y:
                answer = before(thread)
            else:
                answer = relation(x, y)
        joined = also(thread)
        one(thread, combined(joint, answer, joined))
        two(thread, combined(joint, None if answer is None else not answer, joined))
    return act
