"""Operands of SASS instructions as functions of a thread (machine.py). A value that is not known is None."""

import math
import re
import struct

MASK = 0xFFFFFFFF
RZ, URZ = 255, 511  # places in Thread.r; the uniform registers follow at 256
PT, UPT = 7, 15


def signed(x, bits=32):
    x &= (1 << bits) - 1
    return x - (1 << bits) if x >> (bits - 1) else x


def to_bits(x):
    """A number as the 32 bits of a float; beyond its range infinite."""
    try:
        return struct.unpack("<I", struct.pack("<f", x))[0]
    except OverflowError:
        return 0xFF800000 if x < 0 else 0x7F800000


def to_float(bits):
    return struct.unpack("<f", struct.pack("<I", bits & MASK))[0]


def register(text):
    """Place in Thread.r of R12, RZ, UR4, URZ or SRZ; None if it is none."""
    if text in ("RZ", "SRZ"):
        return RZ
    if text == "URZ":
        return URZ
    found = re.fullmatch(r"(U?)R(\d+)", text)
    return int(found[2]) + (256 if found[1] else 0) if found else None


def predicate(text):
    """(place in Thread.p, inverted) of P0, !PT, UP1; None if it is none."""
    found = re.fullmatch(r"(!?)(U?)P(\d|T)", text)
    if not found:
        return None
    place = (PT if found[3] == "T" else int(found[3])) + (8 if found[2] else 0)
    return place, bool(found[1])


def read_predicate(text):
    place, inverted = predicate(text)

    def read(thread):
        value = thread.p[place]
        return value if value is None or not inverted else not value
    return read


def write_predicate(text):
    place, _ = predicate(text)

    def write(thread, value):
        if place not in (PT, UPT):
            thread.p[place] = value
    return write


def write_register(text, words=1):
    place = register(text)

    def write(thread, value):
        if place in (RZ, URZ):
            return
        for i in range(words):
            thread.r[place + i] = None if value is None else (value >> (32 * i)) & MASK
    return write


def constant(text, size):
    """Reader of c[0x0][...]; None if it is none. Other banks hold numbers of the compiler: unknown."""
    found = re.fullmatch(r"c\[(0x[0-9a-f]+)\]\[(?:(U?R\w+)\+?)?(-?0x[0-9a-f]+)?\]", text)
    if not found:
        return None
    if int(found[1], 16) != 0:
        return lambda thread: None
    place = register(found[2]) if found[2] else RZ
    offset = int(found[3], 16) if found[3] else 0
    return lambda thread: thread.constants.get(thread.r[place] + offset, size)


def immediate_float(text):
    text = text.replace(" ", "")
    if text.endswith(("INF", "QNAN")):
        return -math.inf if text == "-INF" else (math.inf if "INF" in text else math.nan)
    return float(int(text, 16)) if "0x" in text else float(text)


def read(text, words=1):
    """Reader of an integer of `words` registers, not cut to its width: -x is ~x + 1, so that a carry shows."""
    text = text.strip()
    negative, inverted, absolute = False, False, False
    if text.startswith("-") and not re.match(r"-(0x|[\d.])|-(INF|QNAN)", text):
        negative, text = True, text[1:]
    elif text.startswith("~"):
        inverted, text = True, text[1:]
    if text.startswith("|") and text.endswith("|"):
        absolute, text = True, text[1:-1]
    text = re.sub(r"\.(H0_H0|H1_H1|64)$", "", text)
    place, mask = register(text), (1 << (32 * words)) - 1
    if place in (RZ, URZ):
        def plain(thread):
            return 0
    elif place is not None and words == 1:
        def plain(thread):
            return thread.r[place]
    elif place is not None:
        def plain(thread):
            low, high = thread.r[place], thread.r[place + 1]
            return None if low is None or high is None else low | high << 32
    elif text.startswith("c["):
        plain = constant(text, 4 * words)
    elif re.fullmatch(r"-?0x[0-9a-f]+", text):
        value = int(text, 16) & mask

        def plain(thread):
            return value
    else:
        value = to_bits(immediate_float(text))

        def plain(thread):
            return value
    if not (negative or inverted or absolute):
        return plain

    def changed(thread):
        value = plain(thread)
        if value is None:
            return None
        if absolute:
            value = abs(signed(value, 32 * words))
        return (~value & mask) + 1 if negative else (~value & mask if inverted else value)
    return changed


def read_float(text):
    text = text.strip()
    found = re.fullmatch(r"(-?)(\|?)(U?R\w+|c\[.*\])\|?", text)
    if not found:
        value = immediate_float(text)
        return lambda thread: value
    raw = read(found[3])
    negative, absolute = bool(found[1]), bool(found[2])

    def value(thread):
        bits = raw(thread)
        if bits is None:
            return None
        x = to_float(bits)
        x = abs(x) if absolute else x
        return -x if negative else x
    return value


def read_address(text):
    """Address of [R75+0x800], [R80+UR11+0x10], desc[UR12][R6.64+0x200], [RZ]."""
    inner = text.rsplit("[", 1)[1].rstrip("]")
    terms = []
    for term in re.sub(r"\+?-0x", lambda m: "+-0x", inner).split("+"):
        if term:
            terms.append(read(term.removesuffix(".64").removesuffix(".U32"), 2 if term.endswith(".64") else 1))
    wide = ".64" in inner

    def address(thread):
        total = 0
        for term in terms:
            value = term(thread)
            if value is None:
                return None
            total += signed(value) if wide and value <= MASK and term is not terms[0] else value
        return total & ((1 << 64) - 1 if wide else MASK)
    return address
