"""SASS as `cuobjdump -sass` prints it, as lists of instructions."""

import collections
import re

Instruction = collections.namedtuple("Instruction", "pc guard op operands text")
"""`guard`: "P0", "!UP1" or "". `operands`: as text, without ".reuse"."""

LINE = re.compile(r"^\s+/\*([0-9a-f]{4,})\*/\s+(?:@(!?U?P\w+)\s+)?([A-Z][\w.]*)\s*(.*?)\s*;")


class SassError(Exception):
    pass


def parse_instruction(line):
    """The instruction of one line, or None for a line that has none."""
    found = LINE.match(line)
    if not found:
        return None
    pc, guard, op, rest = found.groups()
    operands = tuple(part.strip().replace(".reuse", "") for part in rest.split(",")) if rest else ()
    return Instruction(int(pc, 16), guard or "", op, operands, line.split("*/", 1)[1].split(";")[0].strip())


def parse(text):
    """{mangled name: [Instruction]} of every function."""
    functions, current = {}, None
    for line in text.splitlines():
        if "Function :" in line:
            current = functions.setdefault(line.split("Function :")[1].strip(), [])
        elif current is not None and (instruction := parse_instruction(line)):
            current.append(instruction)
    return functions


# What an instruction keeps busy beside its issue slot: the first pattern that fits its name.
PIPES = (
    ("HMMA", r"HMMA\."),
    ("MUFU", r"MUFU"),
    ("LDSM", r"LDSM"),
    ("LDS", r"LDS\b"),
    ("STS", r"STS\b"),
    ("LDG", r"LDG\b"),
    ("LDGSTS", r"LDGSTS"),
    ("STG", r"STG"),
    ("local", r"LDL|STL"),
    ("FP32", r"FADD|FMUL|FFMA|FMNMX|FSETP|FSEL|FSET|FCHK|F2F|FRND|HFMA2|I2F|F2I"),
    ("branch", r"BRA|BSSY|BSYNC|BREAK|CALL|RET|EXIT|BAR|DEPBAR|LDGDEPBAR|WARPSYNC|NOP|YIELD|MEMBAR|ERRBAR"),
    ("constant", r"U?LDC\b|S2R|S2UR|CS2R|R2UR"),
)
PIPE_PATTERNS = [(name, re.compile(pattern)) for name, pattern in PIPES]
PIPE_NAMES = tuple(name for name, _ in PIPES) + ("ALU",)


def pipe(op):
    """The pipe of an operation's name; "ALU" is what remains: integers, addresses, predicates, packing."""
    for name, pattern in PIPE_PATTERNS:
        if pattern.match(op):
            return name
    return "ALU"


def width_bits(op):
    """Bits that a memory instruction moves for each thread: STG.E.128 -> 128."""
    if op.startswith("LDSM"):
        return 32 * int(op.rsplit(".", 1)[1])
    parts = op.split(".")
    for width in (128, 64):
        if str(width) in parts:
            return width
    if "U16" in parts or "S16" in parts:
        return 16
    return 8 if "U8" in parts or "S8" in parts else 32
