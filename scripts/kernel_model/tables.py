"""What the model says, as Markdown."""

from . import model
UNITS = (32, 64, 128)


def by_kernel(rows):
    """{(kind, precision, H, scenario): Row}."""
    return {(row.kernel.kind, row.kernel.precision, row.kernel.units, row.scenario): row for row in rows}


def compared(rows, layout, host, c):
    """The cases of one layer that were measured, beside what the model says of them; of shapes that it does not count: none."""
    out, of, device = [], by_kernel(rows), next(iter(c["devices"]))
    for name, seconds in c.get("measured", {}).items():
        scenario, precision, shape = name.split()
        B, T, _, H, L = map(int, shape.split(","))
        infer, forward = (of.get(("forward", precision, H, which)) for which in ("inference", "training"))
        backward = of.get(("backward", precision, H, "training"))
        if L != 1 or infer is None or forward is None or backward is None:
            continue
        if scenario == "inference":
            time = model.inference(infer, layout, host, B, c, device, T)
            predicted = time.seconds + model.cast_seconds(infer, layout, B, c, device, T)
        else:
            parts, _ = model.training_parts(forward, backward, layout, host, B, c, device, T)
            time = model.training(parts)
            predicted = time.seconds
        out.append([scenario, precision, shape, f"{predicted * 1e9:.3g}", f"{seconds * 1e9:.3g}", f"{predicted / seconds:.2f}",
                    time.roof])
    return markdown(["what", "precision", "B,T,I,H,L", "model: ns a series and step", "measured", "model / measured",
                     "roof of the model"], out) if out else ""


def windows(seconds):
    """Millions of windows a second."""
    return f"{1 / seconds / model.STEPS / 1e6:.3g}"


def markdown(head, rows):
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head),
                      *("| " + " | ".join(map(str, row)) + " |" for row in rows)]) + "\n"


def roofs(rows, layout, host, c):
    """Cycles of a multiprocessor for one tile of one block, roof by roof, and bytes of a series and step."""
    out, of = [], by_kernel(rows)
    for (kind, precision, units, scenario), row in sorted(of.items(), key=lambda item: (
            item[0][1], item[0][2], ("forward", "assembled", "backward").index(item[0][0]), item[0][3])):
        if kind == "assembled":
            continue
        values = layout.values[precision, units]
        cycles = model.cycles_of(row._replace(beside=0), values, 1, 1, {**c, "issue_share": 1})[2]
        out.append([f"{precision} H {units} {kind} {scenario}", *(f"{value:.0f}" for value in cycles.values()),
                    f"{sum(row.bytes.values()):.0f}"])
        if kind == "backward":
            forward = of.get(("forward", precision, units, "training"))
            if forward is not None:
                _, size = model.training_parts(forward, row, layout, host, model.BATCHES[0], c, next(iter(c["devices"])))
                out.append([f"{precision} H {units} products", *[""] * len(cycles), f"{size['products'] + size['cast']:.0f}"])
    names = list(model.cycles_of(rows[0]._replace(beside=0), layout.values[rows[0].kernel.precision,
                                                                          rows[0].kernel.units], 1, 1, c)[2])
    return markdown(["cycles of a tile (backward: of a step)", *names, "bytes a series and step"], out)


def predictions(rows, layout, host, c):
    """ns of a series and step, and windows a second, for each batch and width."""
    out, of, devices = [], by_kernel(rows), list(c["devices"])
    for precision in ("bf16", "tf32"):
        for units in UNITS:
            for batch in model.BATCHES:
                infer, forward = (of.get(("forward", precision, units, name)) for name in ("inference", "training"))
                backward = of.get(("backward", precision, units, "training"))
                if infer is None or forward is None or backward is None:
                    continue
                time = model.inference(infer, layout, host, batch, c, devices[0])
                cells = [f"{precision}, {batch}, {units}", f"{time.seconds * 1e9:.3g}", windows(time.seconds),
                         f"{time.roof} {100 * time.share:.0f} %", time.tiles]
                totals = []
                for device in devices:
                    parts, _ = model.training_parts(forward, backward, layout, host, batch, c, device)
                    totals.append((model.training(parts), parts))
                total, parts = totals[0]
                cells += [f"{total.seconds * 1e9:.3g}", " + ".join(f"{p.seconds * 1e9:.2g}" for p in parts.values()),
                          ", ".join(windows(t.seconds) for t, _ in totals), total.roof]
                out.append(cells)
    head = ["precision, B, H", f"infer {devices[0]}: ns", "M windows/s", "roof", "tiles",
            f"train {devices[0]}: ns", "forward + backward + products + launches", f"M windows/s {', '.join(devices)}",
            "roof of the longest part"]
    return markdown(head, out)
