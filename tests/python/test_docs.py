"""Every command and snippet of docs/scale.md runs, from top to bottom; tests/docs has the other pages."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROOT = pathlib.Path(os.environ["SLUICE_SOURCE_DIR"])


def snippets(path):
    """(line, language, code) of each block of Python and shell."""
    text = path.read_text(encoding="utf-8")
    for block in re.finditer(r"^```(python|sh)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield text.count("\n", 0, block.start()) + 1, block[1], block[2]


def run_all(name, folder):
    """In `folder`, a program `sluice` at hand."""
    found, world = list(snippets(ROOT / name)), {}
    assert found
    path = f"{pathlib.Path(os.environ['SLUICE_PROGRAM']).parent}{os.pathsep}{os.environ['PATH']}"
    for line, language, code in found:
        if language == "sh":
            subprocess.run(["bash", "-euc", code], cwd=folder, env={**os.environ, "PATH": path}, check=True)
        else:
            # Compiled at its place, so that an error shows the line of the page.
            exec(compile("\n" * line + code, name, "exec"), world)


@pytest.mark.scale
def test_every_way_to_many_series_gives_the_same_numbers(tmp_path, monkeypatch):
    for name in ("pyspark", "ray"):
        pytest.importorskip(name, reason="pip install -r python/requirements-scale.txt")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java 17, and there is no java")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.chdir(tmp_path)
    run_all("docs/scale.md", tmp_path)

    def values(*parts):
        made = pa.concat_tables([pq.read_table(part).select(KINDS.names).cast(KINDS) for part in parts])
        return made.sort_by([("unique_id", "ascending"), ("ds", "ascending")])

    one = values("forecasts.parquet")
    assert one.num_rows == 10 * 28
    for parts in (["forecasts"], ["forecasts-ray"], ["forecasts.0.parquet", "forecasts.1.parquet"]):
        assert values(*parts).equals(one), parts


KINDS = pa.schema([("unique_id", pa.string()), ("ds", pa.timestamp("us")), ("sluice", pa.float64())])
