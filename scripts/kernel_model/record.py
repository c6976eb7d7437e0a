"""Recorded rows of the fused kernels, and what may not become worse."""

import json
import math

from . import counts

# What a row must not have more of, and how a failure calls it.
LIMITS = {
    "instructions": "instructions",
    "beside": "instructions beside the tiles",
    "registers": "registers",
    "stack": "bytes of stack",
    "read": "bytes read",
    "written": "bytes written",
}


class RecordError(Exception):
    pass


def rows_of(counted, usages):
    """{title: row} of counted Rows. `usages`: {kernel: Usage} on the model's architecture."""
    out = {}
    for row in counted:
        usage = usages[row.kernel]
        out[counts.title(row.kernel, row.scenario)] = {
            "instructions": round(row.tile.issued, 1), "beside": round(row.beside), "registers": usage.registers,
            "stack": usage.stack, "read": round(row.bytes["read"]), "written": round(row.bytes["written"]),
            "stores": counts.widths_text(row.tile.widths.get("STG", {}))}
    return out


def stores(text):
    """(how many, bits of the narrowest) of "2x128 4x64"; none, "-", are not narrow."""
    parts = [part.split("x") for part in text.split()] if text != "-" else []
    return sum(float(n) for n, _ in parts), min((int(width) for _, width in parts), default=math.inf)


def worse(title, now, before):
    """Lines that say how a row is worse than the recorded one."""
    for key, name in LIMITS.items():
        if now[key] > before[key]:
            yield f"{title}: {now[key]:g} {name}, {before[key]:g} recorded"
    (count, narrowest), (count_before, narrowest_before) = stores(now["stores"]), stores(before["stores"])
    if narrowest < narrowest_before or count > count_before:
        yield f"{title}: stores {now['stores']}, recorded {before['stores']} (number x bits of a thread)"


def check(now, recorded):
    """All that is worse or not recorded."""
    for title in sorted(set(now) | set(recorded)):
        if title not in recorded:
            yield f"{title}: has no recorded row"
        elif title not in now:
            yield f"{title}: is recorded, and the library has no such kernel"
        else:
            yield from worse(title, now[title], recorded[title])


def better(now, recorded):
    """Titles of rows that are not worse and not the same."""
    return [title for title in sorted(set(now) & set(recorded))
            if now[title] != recorded[title] and not list(worse(title, now[title], recorded[title]))]


def read(file):
    """(compiler, {title: row})."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        return data["compiler"], data["rows"]
    except (OSError, KeyError, json.JSONDecodeError) as error:
        raise RecordError(f"{file}: {error}; write it with scripts/kernel_report --record") from None


def write(file, compiler, rows):
    lines = [f"    {json.dumps(title)}: {json.dumps(rows[title])}" for title in rows]
    file.write_text(f'{{\n  "compiler": {json.dumps(compiler)},\n  "rows": {{\n' + ",\n".join(lines) + "\n  }\n}\n",
                    encoding="utf-8")
