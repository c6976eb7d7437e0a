"""Results as text: lines for the terminal, and the tables of docs/accuracy.md between its two marks."""

from __future__ import annotations

import math
import pathlib
from typing import Any

from measure import SLUICE
from peers import AUTO_ETS, LIGHTGBM, NAMES, SEASONAL_NAIVE

BEGIN, END = "<!-- begin of the tables, written by benchmarks/accuracy/run -->", "<!-- end of the tables -->"
EVEN = 0.01  # a difference below this share is none
HIGH_IS_GOOD = {"skill"}
BAND = (0.75, 0.85)  # where the coverage of an 80 % interval is taken for right
SHOWN = ("MASE", "RMSSE", "WAPE", "sMAPE", "skill", "wQL", "coverage")
Entry = dict[str, Any]


def value_of(entry: Entry, method: str, metric: str, scores: str = "scores") -> float:
    """Mean over seeds; NaN where the method or the number is missing."""
    found = entry["methods"].get(method, {}).get(scores, {}).get(metric)
    return math.nan if found is None else float(found["mean"])


def number(entry: Entry, method: str, metric: str) -> str:
    """Mean, and the spread over seeds where there are several."""
    found = entry["methods"].get(method, {}).get("scores", {}).get(metric)
    if found is None:
        return "-"
    digits = 1 if metric == "sMAPE" else 3
    spread = f" ± {found['sd']:.{digits}f}" if "sd" in found else ""
    return f"{found['mean']:.{digits}f}{spread}"


def seconds(entry: Entry, method: str) -> str:
    found = entry["methods"].get(method)
    if found is None:
        return "-"
    spent = float(found["processor_seconds"]["mean"])
    return f"{spent:.1f}" if spent < 10 else f"{spent:,.0f}"


def lines_of(name: str, entry: Entry) -> str:
    """A set's methods, one a line."""
    lines = [f"{name}: {entry['scored_series']} of {entry['series']} series scored"]
    for method in entry["methods"]:
        values = "  ".join(f"{metric} {number(entry, method, metric)}" for metric in SHOWN)
        lines.append(f"  {method:16} {values}  {seconds(entry, method)} s")
    return "\n".join(lines)


def behind(entry: Entry, method: str, other: str) -> float:
    """By what share of the other's score the method is worse (above 0) or better (below 0); NaN without both."""
    metric = entry["metric"]
    mine, theirs = value_of(entry, method, metric), value_of(entry, other, metric)
    if metric in HIGH_IS_GOOD:
        # The error that is left, as a share of the naive one, is what compares.
        mine, theirs = 1 - mine, 1 - theirs
    return mine / theirs - 1 if theirs > 0 else math.nan


def others(entry: Entry) -> list[str]:
    return [name for name in NAMES if not math.isnan(value_of(entry, name, entry["metric"]))]


def best_other(entry: Entry) -> str:
    """The method beside Sluice with the best score."""
    return max(others(entry), key=lambda name: behind(entry, SLUICE, name))


def count(entries: dict[str, Entry], name: str) -> tuple[int, int, int]:
    """On how many sets Sluice is ahead of a method, even with it, and behind it."""
    shares = [behind(entry, SLUICE, name) for entry in entries.values() if name in others(entry)]
    ahead, lost = sum(share < -EVEN for share in shares), sum(share > EVEN for share in shares)
    return ahead, len(shares) - ahead - lost, lost


def summary(entries: dict[str, Entry]) -> list[str]:
    worst = {name: behind(entry, SLUICE, best_other(entry)) for name, entry in entries.items()}
    first = [name for name, share in worst.items() if share < -EVEN]
    even = [name for name, share in worst.items() if abs(share) <= EVEN]
    lines = [f"Of {len(entries)} sets Sluice by its defaults is ahead of all five methods on {len(first)}, within "
             f"{EVEN:.0%} of the best of them on {len(even)}, and behind at least one on {len(entries) - len(first) - len(even)}.", "",
             "| beside | ahead | even | behind |", "|---|---|---|---|"]
    for name in NAMES:
        ahead, same, lost = count(entries, name)
        lines.append(f"| {name} | {ahead} | {same} | {lost} |")
    return lines


def score_table(entries: dict[str, Entry]) -> list[str]:
    lines = [f"| set | asked | metric | {' | '.join(NAMES)} | Sluice | aim |", f"|---|---|---{'|---' * (len(NAMES) + 2)}|"]
    for name, entry in entries.items():
        metric = entry["metric"]
        asked = f"{entry['horizon']} steps" + (f", {entry['origins']} origins" if entry["origins"] > 1 else "")
        mine = number(entry, SLUICE, metric)
        cells = [number(entry, other, metric) for other in NAMES]
        if behind(entry, SLUICE, best_other(entry)) < 0:
            mine = f"**{mine}**"
        else:
            cells[NAMES.index(best_other(entry))] = f"**{number(entry, best_other(entry), metric)}**"
        aim = entry["targets"].get(metric)
        lines.append(f"| `{name}` | {asked} | {metric} | {' | '.join(cells)} | {mine} | {'' if aim is None else aim} |")
    return lines


def loss_lines(entries: dict[str, Entry]) -> list[str]:
    """Sets where a method is ahead, the worst first, and by whom."""
    found = []
    for name, entry in entries.items():
        lost = sorted(((behind(entry, SLUICE, other), other) for other in others(entry)), reverse=True)
        lost = [(share, other) for share, other in lost if share > EVEN]
        if lost:
            metric = entry["metric"]
            named = ", ".join(f"{other} {number(entry, other, metric)}" for _, other in lost)
            found.append((lost[0][0], f"- `{name}` ({entry['about']}): {metric} {number(entry, SLUICE, metric)}, where {named} "
                                      f"{'has' if len(lost) == 1 else 'have'} less error: {lost[0][0]:.0%} more than the best."))
    return [line for _, line in sorted(found, reverse=True)] or ["None."]


def aim_lines(entries: dict[str, Entry]) -> list[str]:
    """Every aim with what was reached, on all series that Sluice has forecast."""
    lines = []
    for name, entry in entries.items():
        for metric, aim in entry["targets"].items():
            reached = value_of(entry, SLUICE, metric, "scores_on_all_its_series")
            met = reached >= aim if metric in HIGH_IS_GOOD else reached <= aim
            lines.append(f"| `{name}` | {metric} | {aim} | {reached:.{2 if metric == 'sMAPE' else 3}f} | {'yes' if met else 'no'} |")
    return ["| set | metric | aim | Sluice, all series | reached |", "|---|---|---|---|---|", *lines] if lines else ["None of these sets has one."]


def input_table(entries: dict[str, Entry]) -> list[str]:
    """What inputs known ahead are worth to the two methods that take them; a loss by them is marked."""
    lines = []
    for name, entry in entries.items():
        plain = entries.get(entry["without"] or "")
        if plain:
            metric = entry["metric"]
            cells = []
            for method in (SLUICE, LIGHTGBM):
                better = value_of(entry, method, metric) <= value_of(plain, method, metric)
                if metric in HIGH_IS_GOOD:
                    better = value_of(entry, method, metric) >= value_of(plain, method, metric)
                cells += [number(plain, method, metric), number(entry, method, metric) + ("" if better else " (!)")]
            lines.append(f"| `{name}` | {metric} | {' | '.join(cells)} |")
    return ["### What inputs known ahead are worth", "", "| set | metric | Sluice without | with | LightGBM without | with |",
            "|---|---|---|---|---|---|", *lines, ""] if lines else []


def interval_table(entries: dict[str, Entry]) -> list[str]:
    with_interval = [name for name in NAMES if name != LIGHTGBM]
    lines = ["| set | wQL Sluice | best wQL beside it | 80 % interval of Sluice holds | of AutoETS | seconds Sluice | AutoETS | LightGBM |",
             "|---|---|---|---|---|---|---|---|"]
    for name, entry in entries.items():
        losses = [(value_of(entry, other, "wQL"), other) for other in with_interval]
        best = min((pair for pair in losses if not math.isnan(pair[0])), default=(math.nan, SEASONAL_NAIVE))
        cover = {who: value_of(entry, who, "coverage") for who in (SLUICE, AUTO_ETS)}
        mine = "-" if math.isnan(cover[SLUICE]) else f"{cover[SLUICE]:.0%}"
        if not math.isnan(cover[SLUICE]) and not BAND[0] <= cover[SLUICE] <= BAND[1]:
            mine += " (!)"
        theirs = "-" if math.isnan(cover[AUTO_ETS]) else f"{cover[AUTO_ETS]:.0%}"
        beside = "-" if math.isnan(best[0]) else f"{best[0]:.3f} ({best[1]})"
        lines.append(f"| `{name}` | {number(entry, SLUICE, 'wQL')} | {beside} | {mine} | {theirs} | {seconds(entry, SLUICE)} | "
                     f"{seconds(entry, AUTO_ETS)} | {seconds(entry, LIGHTGBM)} |")
    return lines


def set_table(entries: dict[str, Entry]) -> list[str]:
    lines = ["| set | what | protocol | series, of these scored | seeds |", "|---|---|---|---|---|"]
    for name, entry in entries.items():
        lines.append(f"| `{name}` | {entry['about']} | {entry['protocol']} | {entry['series']:,}, {entry['scored_series']:,} | "
                     f"{entry['run']['seeds']} |")
    return lines


def made_by(entries: dict[str, Entry]) -> list[str]:
    """Machine, programs and dates, each once."""
    runs = [entry["run"] for entry in entries.values()]
    versions = {facts["version"] for entry in entries.values() for facts in entry["methods"].values()}
    named = [("Dates", "date"), ("commits", "program_commit"), ("processors", "processor"), ("builds", "build"), ("threads", "threads")]
    texts = [f"{word}: {', '.join(sorted({str(run[key]) for run in runs}))}" for word, key in named]
    return ["; ".join([*texts, f"versions: {', '.join(sorted(versions))}"]) + "."]


def variant_table(entries: dict[str, Entry]) -> list[str]:
    """Rows of Sluice by other settings than its defaults."""
    lines = []
    for name, entry in entries.items():
        metric = entry["metric"]
        for method in entry["methods"]:
            if method not in NAMES and method != SLUICE:
                lines.append(f"| `{name}` | {method} | {metric} | {number(entry, method, metric)} | {number(entry, SLUICE, metric)} | "
                             f"{seconds(entry, method)} |")
    return ["### Sluice by other settings", "", "| set | settings | metric | by these | by defaults | seconds |", "|---|---|---|---|---|---|",
            *lines, ""] if lines else []


def text(results: Entry, order: list[str]) -> str:
    """All tables as Markdown, sets in the given order."""
    entries = {name: results["sets"][name] for name in order if name in results["sets"]}
    if not entries:
        raise ValueError("there are no results to write a table of")
    parts = ["## In short", "", *summary(entries), "", "## Scores", "", *score_table(entries), "", "### Where Sluice is behind", "",
             *loss_lines(entries), "", "### Aims", "", *aim_lines(entries), "", *input_table(entries), "## Intervals and processor seconds", "",
             *interval_table(entries), "", *variant_table(entries), "## The sets", "", *set_table(entries), "", *made_by(entries)]
    return "\n".join(parts)


def write(path: pathlib.Path, results: Entry, order: list[str]) -> None:
    """Puts the tables between the marks of a page. ValueError if it has not both."""
    page = path.read_text(encoding="utf-8")
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{path}: has no place for the tables; put the lines '{BEGIN}' and '{END}' where they belong")
    path.write_text(f"{before}{BEGIN}\n{text(results, order)}\n{END}{after}", encoding="utf-8")
