"""What SASS instructions of sm_80 to sm_90 do to one thread (machine.py): branches, predicates and integers exactly,
floats nearly. A function in the registry gets the instruction and returns what changes the thread; that returns the
pc to go on at, "exit", or None for the next instruction."""

from . import control, floats, integers, memory  # noqa: F401  (they enter themselves into the registry)
from .registry import compile_instruction  # noqa: F401
