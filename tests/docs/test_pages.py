"""Every command and snippet of the documentation runs, and prints what its page shows.

SLUICE_BUILD is the build folder, SLUICE_SOURCE_DIR the tree; test_pages.py::...[docs/guide.md] reads one page.
"""

import os
import pathlib
import shutil
import subprocess
import warnings

import pytest
from exceptions import ELSEWHERE, FILES, NOT_RUN, OPTIONAL, OTHERS_FILES, PAGES_ELSEWHERE
from page import Block, Page, listed, pages
from reader import Reader

ROOT = pathlib.Path(os.environ["SLUICE_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["SLUICE_BUILD"])


@pytest.fixture
def checkout(tmp_path):
    """A folder that looks like a checkout which has been built."""
    for name in ("configs", "examples", "python"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "release").symlink_to(BUILD)
    return tmp_path


@pytest.mark.parametrize("name", [name for name in pages(ROOT) if name not in PAGES_ELSEWHERE and Page(ROOT, name).blocks])
def test_every_block_does_what_the_page_says(name, checkout):
    page = Page(ROOT, name)
    environment = dict(os.environ)
    if name != "README.md":  # which says itself how the shell finds the program
        environment["PATH"] = f"{checkout}/build/release:{environment['PATH']}"
    reader = Reader(page, checkout, environment)
    if name in FILES:
        subprocess.run(["bash", "-euo", "pipefail", "-c", FILES[name]], cwd=checkout, env=environment, check=True,
                       capture_output=True)
    left_out, others = listed(page, ELSEWHERE) | listed(page, NOT_RUN), listed(page, OTHERS_FILES)
    for block in page.blocks:
        if block in others:
            for line in block.code.replace("\\\n", " ").splitlines():
                said = reader.run_shell(Block(block.line, "sh", line), status=3)
                assert "no such file" in said.lower(), f"{name}:{block.line}: {said}"
        elif "pyspark" in block.code and shutil.which("java") is None:
            warnings.warn(f"not run: {name}:{block.line}: Spark needs Java", stacklevel=1)
        elif block not in left_out:
            try:
                reader.read(block)
            except ModuleNotFoundError as error:
                if error.name.split(".")[0] not in OPTIONAL:
                    raise
                warnings.warn(f"not run: {name}:{block.line}: {error}", stacklevel=1)
