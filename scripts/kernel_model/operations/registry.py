"""By name: what makes an instruction's function, and what several of them use."""

from .. import sass
from .operands import predicate, read, read_predicate, write_register

TABLE = {}


def operation(*names):
    def enter(function):
        for name in names:
            TABLE[name] = function
        return function
    return enter


def compile_instruction(instruction):
    """(guard or None, act) of an instruction."""
    guard = read_predicate(instruction.guard) if instruction.guard else None
    name = instruction.op.split(".")[0]
    make = TABLE.get(name) or TABLE.get(name.removeprefix("U"))
    if make is None:
        def unknown(thread):
            raise sass.SassError(f"{instruction.op} is not among what kernel_model/operations knows")
        return guard, unknown
    return guard, make(instruction)


def has(instruction, *parts):
    return any(part in instruction.op.split(".")[1:] for part in parts)


def split_outputs(instruction):
    """Result register, predicates written after it, and the other operands."""
    operands = list(instruction.operands)
    result, carries = operands.pop(0), []
    while operands and predicate(operands[0]) and not operands[0].startswith("!"):
        carries.append(operands.pop(0))
    return result, carries, operands


def known(function):
    """A result of values of which none is None."""
    def guarded(*values):
        return None if any(value is None for value in values) else function(*values)
    return guarded


def simple(instruction, function, words=1):
    """result = function(operands)."""
    write = write_register(instruction.operands[0], words)
    reads = [read(text) for text in instruction.operands[1:]]
    function = known(function)

    def act(thread):
        write(thread, function(*[r(thread) for r in reads]))
    return act


COMPARE = {"LT": lambda a, b: a < b, "LE": lambda a, b: a <= b, "GT": lambda a, b: a > b,
           "GE": lambda a, b: a >= b, "EQ": lambda a, b: a == b, "NE": lambda a, b: a != b}
COMBINE = {"AND": lambda a, b: a and b, "OR": lambda a, b: a or b, "XOR": lambda a, b: a != b}


def combined(operation_name, a, b):
    """a AND b, a OR b: known if one of them decides."""
    deciding = {"AND": False, "OR": True}.get(operation_name)
    if deciding is not None and (a is deciding or b is deciding):
        return deciding
    return None if a is None or b is None else COMBINE[operation_name](a, b)
