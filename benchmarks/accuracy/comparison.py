"""The course of a run: which sets, then each of them measured, recorded and said."""

from __future__ import annotations

import argparse
import pathlib
import shlex
import sys
from typing import Any

import measure
import peers
import program
import record
import table
from cache import Cache
from problem import Problem, Source
from sets import ALL


def chosen(options: argparse.Namespace) -> list[Problem]:
    """Sets that are asked for; ValueError names one that does not exist."""
    names = [problem.name for problem in ALL]
    unknown = sorted(set(options.only or []) - set(names))
    if unknown:
        raise ValueError(f"no set is named {', '.join(unknown)}; the sets are {', '.join(names)}")
    if options.only:
        return [problem for problem in ALL if problem.name in options.only]
    return [problem for problem in ALL if problem.quick or not options.quick]


def variant_of(text: str) -> measure.Variant:
    """NAME=FLAGS or NAME=FILE.toml."""
    name, equals, settings = text.partition("=")
    if not (name and equals and settings):
        raise ValueError(f"--variant {text}: write NAME=FLAGS or NAME=FILE.toml")
    return measure.Variant(f"{measure.SLUICE}, {name}", tuple(program.flags_of(settings)))


def list_sets() -> None:
    for problem in ALL:
        split = problem.split
        asked = f"h {split.horizon}" + (f" x {split.origins}" if split.origins > 1 else "")
        print(f"{problem.name:22} {asked:9} {problem.metric:6} {problem.about}")
        print(f"{'':22} {problem.protocol}")


def command_of(options: argparse.Namespace, name: str, seeds: int) -> str:
    """The command that makes a set's entry again, without what only says where files lie."""
    words = ["benchmarks/accuracy/run", "--only", name, "--seeds", str(seeds), "--threads", str(options.threads)]
    words += [word for text in options.variant for word in ("--variant", text)]
    words += ["--configs"] * options.configs + ["--no-lightgbm"] * options.no_lightgbm
    return shlex.join(words)


def run(options: argparse.Namespace, root: pathlib.Path, seeds: int) -> int:
    """Status 0 when every set was measured, 1 when one failed, 2 for a wrong argument."""
    if options.list:
        list_sets()
        return 0
    try:
        problems = chosen(options)
        given = [variant_of(text) for text in options.variant]
        results = record.read(options.json)
        if not options.sluice.is_file():
            raise ValueError(f"{options.sluice}: no such program; build it (scripts/demo does), or name another one by --sluice")
    except ValueError as error:
        print(f"run: {error}", file=sys.stderr)
        return 2
    source = Source(options.data.resolve(), options.sluice.resolve())
    seeds = options.seeds or (1 if options.quick else seeds)
    names = [name for name in peers.NAMES if name != peers.LIGHTGBM or not options.no_lightgbm]
    cache = Cache(options.cache)
    configs = root / "configs" if options.configs else None
    failed = 0
    for problem in problems:
        try:
            results["sets"][problem.name] = entry(problem, source, names, given, configs, cache, seeds, options.threads)
        except FileNotFoundError as error:
            print(f"{problem.name}: left out: {error.filename or error} is not there (--data)", flush=True)
            continue
        except (RuntimeError, ValueError) as error:
            print(f"{problem.name}: failed: {error}", file=sys.stderr, flush=True)
            failed += 1
            continue
        facts = record.run_facts(options.sluice, root, command_of(options, problem.name, seeds), seeds, options.threads)
        results["sets"][problem.name]["run"] = facts
        record.write(options.json, results)
        print(table.lines_of(problem.name, results["sets"][problem.name]), flush=True)
    if options.write:
        table.write(root / "docs" / "accuracy.md", results, [problem.name for problem in ALL])
    return 1 if failed else 0


def entry(problem: Problem, source: Source, names: list[str], given: list[measure.Variant], configs: pathlib.Path | None,
          cache: Cache, seeds: int, threads: int) -> dict[str, Any]:
    """A set's entry in the results."""
    def say(text: str) -> None:
        print(f"  {text}", flush=True)

    panel = problem.panel(source)
    print(f"{problem.name}: {problem.about}; {len(panel.ids)} series", flush=True)
    made = {}
    for variant in measure.variants(problem, given, configs):
        made[variant.name] = measure.by_sluice(problem, panel, variant, source, seeds, threads, say)
    made.update(measure.by_peers(problem, panel, names, cache, say))
    return measure.measure(problem, panel, made)
