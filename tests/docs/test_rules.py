"""What holds of all pages of the documentation: exceptions are real, names and links lead somewhere."""

import os
import pathlib
import re
import subprocess

import pytest
from exceptions import ELSEWHERE, NO_FILES, NO_SETTINGS, NOT_RUN, OTHERS_FILES, PAGES_ELSEWHERE
from page import Page, listed, pages

ROOT = pathlib.Path(os.environ["SLUICE_SOURCE_DIR"])
PROGRAM = os.environ["SLUICE_PROGRAM"]
PAGES = {name: Page(ROOT, name) for name in pages(ROOT)}
TABLES = {"elsewhere": ELSEWHERE, "not run": NOT_RUN, "files of others": OTHERS_FILES}
FILES_END = (".csv", ".hpp", ".cpp", ".py", ".md", ".sh")


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_exception_is_a_block_and_has_a_reason(table):
    for (page, text), why in table.items():
        assert PAGES[page].block_with(text) and why


def test_no_block_is_excepted_twice():
    for page in PAGES.values():
        found = [block for table in TABLES.values() for block in listed(page, table)]
        assert len(found) == len(set(found)), page.name


def test_tests_that_stand_in_for_a_page_exist():
    assert set(PAGES_ELSEWHERE) <= set(PAGES)
    for why in (*ELSEWHERE.values(), *PAGES_ELSEWHERE.values()):
        assert (ROOT / re.match(r"[\w./]+\.\w+", why)[0]).is_file(), why


def test_every_setting_that_is_named_exists():
    done = subprocess.run([PROGRAM, "explain"], check=True, capture_output=True, text=True)
    known = set(re.findall(r"^  (\w+\.\w+) = ", done.stdout, re.MULTILINE))
    sections = {key.split(".")[0] for key in known}
    assert len(sections) == 10
    for name, page in PAGES.items():
        for span in page.spans:
            for found in re.finditer(r"(?:^|(?<=[\s(]))(?:--)?(([a-z]+)\.[a-z_]+)(?=$|[\s=,)])", span):
                if found[2] in sections and found[1] not in NO_SETTINGS and not found[1].endswith(FILES_END):
                    assert found[1] in known, f"{name}: `{span}`: no setting {found[1]}"


def test_every_link_leads_to_a_file_and_a_heading():
    for name, page in PAGES.items():
        for link in page.links:
            if re.match(r"https?:", link):
                continue
            path, _, heading = link.partition("#")
            target = (page.path.parent / path).resolve() if path else page.path
            assert target.exists(), f"{name}: {link}: no such file"
            if heading:
                other = Page(ROOT, target.relative_to(ROOT).as_posix())
                assert heading in other.headings, f"{name}: {link}: {other.name} has no such heading"


def test_the_tree_of_the_readme_is_the_tree():
    block = PAGES["README.md"].block_with("include/sluice/  ")
    folder, shown = pathlib.Path(), set()
    for line in block.code.splitlines():
        name = line.split()[0].rstrip("/")
        if line.startswith("   "):  # goes on with the line above
            continue
        if not line.startswith("  "):
            folder = pathlib.Path(name)
            shown.add(folder.parts[0])
        assert (ROOT / (folder / name if line.startswith("  ") else name)).is_dir(), line
    listing = subprocess.run(["git", "-C", ROOT, "ls-tree", "-d", "--name-only", "HEAD"], capture_output=True, text=True,
                             check=False)
    assert listing.returncode or shown == {name for name in listing.stdout.split() if name[0] != "."}


def test_every_file_of_the_tree_that_is_named_exists():
    tops = "|".join(path.name for path in ROOT.iterdir() if path.is_dir() and path.name not in ("build", "runs", "demo"))
    for name, page in PAGES.items():
        for span in page.spans:
            for found in re.findall(rf"(?:^|(?<=\s))(?:\.\./)?((?:{tops})/[\w./-]*)", span):
                if found not in NO_FILES:
                    assert (ROOT / found).exists(), f"{name}: `{span}`: no such file"
