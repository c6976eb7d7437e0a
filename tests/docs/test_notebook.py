"""The notebook runs from top to bottom, and shows what it has stored: tables, figures, lines of the same kinds.

    PYTHONPATH=build/release/python PATH=$PWD/build/release:$PATH build/venv/bin/python tests/docs/test_notebook.py

runs it and stores what it shows.
"""

import base64
import io
import os
import pathlib
import re
import sys

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

PATH = pathlib.Path(__file__).parents[2] / "examples/notebook/forecast.ipynb"


def executed(folder):
    notebook = nbformat.read(PATH, as_version=4)
    NotebookClient(notebook, timeout=300, coalesce_streams=True, record_timing=False,
                   resources={"metadata": {"path": str(folder)}}).execute()
    return notebook


def kinds(cell):
    """What a cell shows: kinds of output in their order, and the sizes of tables and texts."""
    found = []
    for output in cell.outputs:
        if output.output_type == "stream":
            found.append(output.name)
        else:
            html, text = output.data.get("text/html", ""), output.data["text/plain"]
            size = (html.count("<tr"), html.count("<th")) if html else len(text.splitlines())
            found.append((output.output_type, *sorted(output.data), size))
    return found


def figures(notebook):
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                yield Image.open(io.BytesIO(base64.b64decode(output.data["image/png"])))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "bin").mkdir()
    (folder / "bin/sluice").symlink_to(os.environ["SLUICE_PROGRAM"])
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{folder}/bin:{before}"
    try:
        yield executed(folder), folder
    finally:
        os.environ["PATH"] = before


def test_it_shows_what_is_stored(run):
    stored = nbformat.read(PATH, as_version=4)
    for old, new in zip(stored.cells, run[0].cells, strict=True):
        if old.cell_type == "code":
            assert kinds(old) == kinds(new), old.source


def test_its_model_beats_the_simple_forecasts(run):
    table = next(cell for cell in run[0].cells if cell.source.startswith("methods = ")).outputs[0].data["text/plain"]
    mase = {row[:18].strip(): float(row.split()[-3]) for row in table.splitlines()[1:]}
    assert mase.pop("sluice") < min(mase.values()), table


def test_it_leaves_the_files_of_which_it_speaks(run):
    assert {"sales.csv", "sales.safetensors", "held_out.safetensors", "report.html"} <= set(os.listdir(run[1]))
    assert "<html" in (run[1] / "report.html").read_text()


@pytest.mark.parametrize("which", ["stored", "run"])
def test_every_figure_is_drawn(which, run):
    found = list(figures(run[0] if which == "run" else nbformat.read(PATH, as_version=4)))
    assert len(found) == 3
    for figure in found:
        assert figure.width > 400
        pixels = np.asarray(figure.convert("RGB")).reshape(-1, 3)
        drawn = pixels[(pixels < 255).any(axis=1)]
        assert len(drawn) > 2000 and len(np.unique(drawn, axis=0)) > 20


def test_what_is_stored_names_no_place_of_a_machine_and_no_error():
    text = PATH.read_text(encoding="utf-8")
    assert not re.search(r"/home/|/root/|/tmp/|Traceback|\"output_type\": \"error\"", text)
    assert len(text) < 400_000, "figures in a repository stay for ever: make them smaller"


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        nbformat.write(executed(scratch), PATH)
    print(f"{PATH}: {PATH.stat().st_size:,} bytes", file=sys.stderr)
