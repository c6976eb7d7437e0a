"""Instructions of the fused kernels along the path that is taken, by pipe, for one warp: of a tile of 16 series in one
step (forward), of a step (backward), and what a step costs beside its tiles."""

import collections
import re

from . import sass
from .scenarios import Counter, scenario_names

GLOBAL = ("LDG", "STG", "LDGSTS")
MEMORY = GLOBAL + ("LDS", "STS", "LDSM", "local")

Work = collections.namedtuple("Work", "issued pipes off widths tail")
"""issued: all, guards that fail included. pipes: {pipe: acted}. off: those whose guard kept them from acting.
widths: {"STG": {128: 2, 64: 4}, ...}, acted. tail: after the last matrix instruction of a tile, or None."""

Row = collections.namedtuple("Row", "kernel scenario tile beside bytes")
"""tile: Work of a warp-tile (backward: a warp's step). beside: instructions of a warp and step outside its tiles,
mean of the warps, with one tile a block. bytes: {"read": ..., "written": ...} of global memory, a series and step."""


def most(*counts):
    """What a warp issues whose threads took these ways."""
    return {pc: max(c[pc] for c in counts) for pc in counts[0]}


def work(instructions, issued, done, tail=None):
    pipes, widths, off = collections.Counter(), collections.defaultdict(collections.Counter), 0
    for pc, count in issued.items():
        if not count:
            continue
        op = instructions[pc].op
        name = sass.pipe(op)
        acted = count if name == "branch" else done[pc]
        pipes[name] += acted
        off += count - acted
        if name in GLOBAL + ("LDS", "STS"):
            widths[name][sass.width_bits(op)] += acted
    return Work(sum(issued.values()), {k: v for k, v in pipes.items() if v}, off,
                {k: {w: n for w, n in v.items() if n} for k, v in widths.items() if any(v.values())}, tail)


def tail_of(instructions, pcs):
    """{pc: times} from a tile's last matrix instruction to the branch back to its first, or {}."""
    last, first = None, None
    for i, pc in enumerate(pcs):
        if instructions[pc].op.startswith("HMMA"):
            last, first = i, pc if first is None else min(first, pc)
        elif last is not None and instructions[pc].op.startswith("BRA") and i + 1 < len(pcs) and pcs[i + 1] <= first:
            return collections.Counter(pcs[last + 1:i + 1])
    return {}


def count(kernel, instructions, layout):
    """The Rows of a kernel."""
    counter = Counter(kernel, instructions, layout)
    values = layout.values[kernel.precision, kernel.units]
    code, warps = counter.instructions, values.threads // 32
    rows = []
    for name in scenario_names(kernel):
        def step(tiles, thread, fetch=True):
            walks = [counter.per_step(name, tiles, thread, data, fetch) for data in (0.0, 1.0)]
            return most(*(w[0] for w in walks)), most(*(w[1] for w in walks))
        if kernel.kind == "backward":
            issued, done = step(1, 0)
            beside, tail = 0.0, None
        else:
            # 2 and 4 tiles, whichever way the loop is unrolled.
            last = values.threads - 1
            two, four = step(2, last, fetch=False), step(4, last, fetch=False)
            issued, done = ({pc: (b[pc] - a[pc]) / 2 for pc in a} for a, b in zip(two, four))
            small = [sum(counter.per_step(name, tiles, last, 0.0, False)[0].values()) for tiles in (2, 4)]
            one = [sum(counter.per_step(name, 1, 32 * warp)[0].values()) for warp in range(warps)]
            beside = sum(one) / warps - (small[1] - small[0]) / 2
            tails = [tail_of(code, counter.walk(name, 3, 4, last, data, False, trace=True).trace) for data in (0.0, 1.0)]
            tail = sum((tails[0] | tails[1]).values()) if all(tails) else None
        tile = work(code, issued, done, tail)
        rows.append(Row(kernel, name, tile, beside, traffic(kernel, tile, values, warps)))
    return rows


def traffic(kernel, tile, values, warps):
    """Bytes of global memory of a series and step: a tile has 16 series, and a warp 32 threads."""
    def of(pipe):
        return sum(width / 8 * n for width, n in tile.widths.get(pipe, {}).items()) * 32 * warps / 16
    x = values.x_pitch * values.element_bytes if kernel.kind == "forward" else 0
    return {"read": of("LDG") + x, "written": of("STG")}


def widths_text(widths):
    """{128: 2, 64: 4} as "2x128 4x64"."""
    return " ".join(f"{n:g}x{width}" for width, n in sorted(widths.items(), reverse=True)) or "-"


COLUMNS = ("HMMA", "MUFU", "LDSM", "LDS", "STS", "FP32", "ALU", "constant", "branch")


def title(kernel, scenario):
    return f"{kernel.kind} {kernel.precision} H {kernel.units} {scenario}"


def table(rows):
    """Markdown."""
    head = ["kernel", "all", "after the last HMMA", "beside the tiles", *COLUMNS, "off", "loads", "stores",
            "bytes read, written"]
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---|" * (len(head) - 1)]
    for row in rows:
        tile = row.tile
        cells = [title(row.kernel, row.scenario), f"{tile.issued:g}", "" if tile.tail is None else f"{tile.tail:g}",
                 "" if row.kernel.kind == "backward" else f"{row.beside:.0f}",
                 *(f"{tile.pipes.get(name, 0):g}" for name in COLUMNS), f"{tile.off:g}",
                 widths_text(tile.widths.get("LDG", {})), widths_text(tile.widths.get("STG", {})),
                 f"{row.bytes['read']:.0f}, {row.bytes['written']:.0f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def order(row):
    kernel = row.kernel
    kinds = ("forward", "assembled", "backward")
    return kinds.index(kernel.kind), row.scenario, kernel.precision, kernel.units


def matches(text, row):
    return re.search(text, title(row.kernel, row.scenario)) is not None
