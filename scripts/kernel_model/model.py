"""Time of the fused kernels from their counted instructions: what part D of a reading of the engine by a GPU engineer
assumed, as one formula, with the constants that a card gave (constants.json says which). Good to a quarter at best.

A block's step takes as long as the busiest of its multiprocessor's roofs (issue slots, matrix units, special functions,
shared memory, lines of global memory) for all resident blocks, and a latency that nothing hides; or, where there is
little to overlap, as one tile's products and then the rest of its instructions, one after the other. Blocks go round in
turns of what is resident; each begins with its weights from the second cache. Global memory is a roof over all of it.
"""

import collections
import json
import math
import pathlib
import re

from .layout import INPUTS

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONSTANTS = pathlib.Path(__file__).resolve().parent / "constants.json"
SCHEDULERS = 4
TILE_ROWS = 16
STEPS = 24  # T of the table; L = 1
BATCHES = (256, 4096, 32768)
SHARED_OF_MULTIPROCESSOR = 233472  # and 1 KiB of each block is the system's
THREADS_OF_MULTIPROCESSOR = 2048
MATRIX_FLOPS = {"bf16": 4096, "tf32": 2048}  # of one matrix instruction

Time = collections.namedtuple("Time", "seconds roof share tiles")
"""Of one series and step. roof: what binds. share: of the time that the busiest roof alone would take."""


class ModelError(Exception):
    pass


def constants(file=CONSTANTS):
    return json.loads(file.read_text(encoding="utf-8"))


def read_sources(tree=ROOT):
    """What the host's side does: {"products": of products_of()}."""
    host = (tree / "cuda/recurrence/fused_mma/backward.cpp").read_text(encoding="utf-8")
    return {"products": products_of(host)}


def products_of(text):
    """What backward.cpp does beside the two kernels in a training step of one layer: {"reads": times dA is read
    without dx, "dx": times for dx, "launches": of all, kernels included}."""
    def body(name):
        found = re.search(rf"\nvoid FusedMma<kPrecision>::{name}\(.*?\n}}\n", text, re.DOTALL)
        if not found:
            raise ModelError(f"backward.cpp has no FusedMma::{name}(), which the model reads to know the products")
        return found[0]
    backward, weights, inputs = body("backward"), body("weight_gradients"), body("input_gradient")
    readers = r"\b(multiply|column_sums)\((?:[^;]*?)da_\.data\(\)"
    of_weights, of_inputs = re.findall(readers, weights), re.findall(readers, inputs)
    if not of_weights or not of_inputs or not all(f"{name}(" in backward for name in ("weight_gradients", "input_gradient")):
        raise ModelError("FusedMma::backward() no longer has products of da_ in weight_gradients() and input_gradient(); "
                         "tell model.py products_of() how it reads dA now")
    calls = of_weights + of_inputs
    launches = 4 + len(calls) + calls.count("column_sums")  # packing, x's cast, forward, backward
    launches += len(re.findall(r"\b(?:unpack|cast)\(", weights + inputs))
    return {"reads": len(of_weights), "dx": len(of_inputs), "launches": launches}


def cycles_of(row, values, blocks, tiles, c):
    """Of a step of `blocks` resident blocks of `tiles` tiles: (cycles, what binds, {roof: cycles})."""
    tile, warps = row.tile, values.threads / 32
    matrix, ldsm = tile.pipes.get("HMMA", 0), tile.pipes.get("LDSM", 0)
    # A warp's load or store is of 8 rows.
    lines = 8 * sum(n for pipe in ("LDG", "STG") for n in tile.widths.get(pipe, {}).values())
    shared, matrix_cycles = ldsm * c["ldsm_cycles"], c["matrix_cycles"][row.kernel.precision]
    all_tiles = blocks * tiles * warps
    roofs = {
        "issue": (all_tiles * tile.issued + blocks * warps * row.beside) / SCHEDULERS / c["issue_share"],
        "matrix units": all_tiles * matrix * matrix_cycles,
        "special functions": all_tiles * tile.pipes.get("MUFU", 0) / SCHEDULERS * c["special_cycles"],
        "LDSM": all_tiles * shared,
        "lines of memory": all_tiles * lines * c["line_cycles"],
    }
    products = warps * max(matrix * matrix_cycles, shared)
    rest = warps * (tile.issued - matrix - ldsm + row.beside) / SCHEDULERS
    roof = max(roofs, key=roofs.get)
    overlapped, chain = roofs[roof] + c["latency_cycles"], products + rest
    return (chain, "one tile's chain", roofs) if chain > overlapped else (overlapped, roof, roofs)


def resident(values, shared):
    return max(1, min(values.resident, THREADS_OF_MULTIPROCESSOR // values.threads,
                      SHARED_OF_MULTIPROCESSOR // (shared + 1024)))


def tiles_of(values, batch):
    """Tiles of a block, as forward_tiles() chooses them, for the nearest batch that it was asked about."""
    return values.tiles[min(values.tiles, key=lambda known: abs(math.log(known / batch)))]


def compute_time(row, layout, host, batch, c, steps=STEPS):
    """Of one series and step without global memory's roof. `host`: of read_sources()."""
    kernel, forward = row.kernel, row.kernel.kind != "backward"
    values = layout.values[kernel.precision, kernel.units]
    tiles = tiles_of(values, batch) if forward else 1
    shared = values.forward_shared[tiles] if forward else values.backward_shared
    weights = values.forward_weights if forward else values.backward_weights
    at_once = resident(values, shared)
    left, cycles = math.ceil(batch / (TILE_ROWS * tiles)), 0
    roof, busiest = "", 0
    while left > 0:
        # All multiprocessors alike, the fullest decides.
        blocks = min(at_once, math.ceil(left / c["multiprocessors"]))
        turn, name, roofs = cycles_of(row, values, blocks, tiles, c)
        cycles += turn + blocks * weights / c["weight_bytes_per_cycle"] / steps
        busiest += max(roofs.values())
        roof = roof or name
        left -= blocks * c["multiprocessors"]
    return Time(cycles / c["clock"] / batch, roof, busiest / cycles, tiles)


def under_memory(time, size, c, device):
    """The later of `time` and `size` bytes of global memory."""
    seconds = size / (c["devices"][device] * c["memory_share"])
    if seconds > time.seconds:
        return time._replace(seconds=seconds, roof="memory", share=c["memory_share"])
    return time


def inference(forward, layout, host, batch, c, device, steps=STEPS):
    """The kernel alone: x lies there as elements, no h is written but the last."""
    return under_memory(compute_time(forward, layout, host, batch, c, steps), sum(forward.bytes.values()), c, device)


def cast_bytes(values):
    """Of x given in fp32, read and written as the kernels' elements."""
    return 4 * INPUTS + values.x_pitch * values.element_bytes


def cast_seconds(row, layout, batch, c, device, steps=STEPS):
    """Of the launch before inference() where x is given in fp32, as a benchmark gives it."""
    values = layout.values[row.kernel.precision, row.kernel.units]
    return (cast_bytes(values) / (c["devices"][device] * c["memory_share"])
            + c["launch_seconds"] / (batch * steps))


def training_parts(forward, backward, layout, host, batch, c, device, steps=STEPS):
    """({"forward", "backward", "products", "launches": Time}, {part: bytes of a series and step}): of one layer, with dx,
    fp32 h and dh, x given in fp32."""
    values = layout.values[forward.kernel.precision, forward.kernel.units]
    products, H, e = host["products"], forward.kernel.units, values.element_bytes
    x, reads = values.x_pitch * e, products["reads"] + products["dx"]
    size = {"forward": sum(forward.bytes.values()), "backward": sum(backward.bytes.values()),
            # dA is read each time, h and x once; dx is written; x is cast before.
            "products": reads * 4 * H * e + H * e + x + 4 * INPUTS, "cast": cast_bytes(values)}
    # dW and dR [4H, H + I], dx [I, 4H].
    flops = 2 * 4 * H * (H + values.x_pitch) + products["dx"] * 2 * 4 * H * INPUTS
    precision = forward.kernel.precision
    rate = c["multiprocessors"] * c["clock"] * MATRIX_FLOPS[precision] / c["matrix_cycles"][precision]
    multiply = Time(flops / rate, "matrix units", 1, 0)
    launches = products["launches"] * c["launch_seconds"] / (batch * steps)
    return {"forward": under_memory(compute_time(forward, layout, host, batch, c, steps), size["forward"], c, device),
            "backward": under_memory(compute_time(backward, layout, host, batch, c, steps), size["backward"], c, device),
            "products": under_memory(multiply, size["products"] + size["cast"], c, device),
            "launches": Time(launches, "launches", 1, 0)}, size


def training(parts):
    """Of all parts; the roof of the longest."""
    longest = max(parts.values(), key=lambda part: part.seconds)
    return Time(sum(part.seconds for part in parts.values()), longest.roof, longest.share, 0)
