"""Every snippet of docs/python.md runs, from top to bottom, and README's."""

import os
import pathlib
import re

import pytest

ROOT = pathlib.Path(os.environ["SLUICE_SOURCE_DIR"])


def snippets(path):
    """(line, code) of each block of Python; of a diff the side that has our lines."""
    text = path.read_text(encoding="utf-8")
    for block in re.finditer(r"^```(python|diff)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        code = block[2]
        if block[1] == "diff":
            code = "".join(line[1:] for line in code.splitlines(keepends=True) if not line.startswith("-"))
        yield text.count("\n", 0, block.start()) + 1, code


@pytest.mark.parametrize("name", ["docs/python.md", "README.md"])
def test_every_snippet_runs(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    found, world = list(snippets(ROOT / name)), {}
    assert found
    for line, code in found:
        # Compiled at its place, so that an error shows the line of the page.
        exec(compile("\n" * line + code, name, "exec"), world)
    printed = capsys.readouterr().out
    if name == "docs/python.md":
        assert "(no price, promotion, holiday for " in printed, "the example of an error shows it"
        assert set(world["scores"].columns) >= {"unique_id", "metric", "sluice"}
    else:
        assert "sluice-lo-80" in printed
