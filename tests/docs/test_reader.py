"""A page that is wrong is found to be, at its line."""

import os

import pytest
from page import Page
from reader import Reader


@pytest.fixture
def reads(tmp_path):
    """Reads a page of this text; its fences are ''' here."""

    def read(text):
        (tmp_path / "page.md").write_text(text.replace("'''", "```"))
        page = Page(tmp_path, "page.md")
        reader = Reader(page, tmp_path, dict(os.environ))
        for block in page.blocks:
            reader.read(block)
        return reader

    return read


SAYS = "'''sh\nprintf 'name  1.5\\nsluice    2.5 %%\\n'\n'''\n"


def test_a_command_that_fails_is_named_with_its_line_and_what_it_said(reads):
    with pytest.raises(AssertionError, match=r"page.md:4: status 3, not 0:[^~]*no more"):
        reads("words\n\n'''sh\necho no more; (exit 3)\ntrue\n'''\n")


def test_a_variable_that_is_not_set_fails(reads):
    with pytest.raises(AssertionError, match="nowhere: unbound variable"):
        reads("'''sh\necho $nowhere\n'''\n")


def test_an_error_of_python_has_the_line_of_the_page(reads):
    with pytest.raises(ZeroDivisionError) as caught:
        reads("'''python\none = 1\n'''\nwords\n'''python\ntwo = one\none / 0\n'''\n")
    assert caught.traceback[-1].lineno + 1 == 7


def test_a_side_of_a_diff_runs(reads):
    assert reads("'''diff\n-import nothing_like_it\n+import math\n print(math.floor(2.5))\n'''\n").said == ["2"]


def test_what_a_block_exports_and_where_it_goes_holds_in_the_next(reads):
    said = reads("'''sh\nmkdir -p deep; cd deep; export WORD=here\n'''\n'''sh\necho $WORD $(basename $PWD)\n'''\n").said
    assert said == ["here deep"]


def test_what_was_not_printed_is_found(reads):
    reads(SAYS + "'''text\nname  1.5\n'''\n")
    with pytest.raises(AssertionError, match=r"page.md:5: the page shows\nname  1.6"):
        reads(SAYS + "'''text\nname  1.6\n'''\n")


def test_numbers_of_a_training_may_differ_and_its_words_not(reads):
    reads(SAYS + "'''text\nname  1.5\nsluice   17.25 %\n'''\n")
    for wrong in ("sluice   2.5", "sluice   2.5 % 3", "sluic    2.5 %"):
        with pytest.raises(AssertionError, match="the page shows"):
            reads(SAYS + f"'''text\n{wrong}\n'''\n")


def test_lines_stand_in_their_order_and_dots_for_any_of_them(reads):
    many = "'''sh\nprintf 'a\\nb\\nc\\nd\\n'\n'''\n"
    reads(many + "'''text\na\n...\nd\n'''\n")
    for wrong in ("a\nd", "d\n...\na", "b\na"):
        with pytest.raises(AssertionError, match="the page shows"):
            reads(many + f"'''text\n{wrong}\n'''\n")


def test_a_file_gets_the_name_that_the_next_command_has(reads):
    assert reads("'''csv\na,b\n1,2\n'''\nwords\n'''sh\n# not one.csv\ntail -n 1 two.csv\n'''\n").said == ["1,2"]
    with pytest.raises(AssertionError, match="page.md:2: no command after it reads a new file"):
        reads("'''csv\na,b\n'''\n")


@pytest.mark.parametrize("block", ["'''\necho\n'''\n", "    echo\n", "'''bash\necho\n'''\n"])
def test_a_block_that_says_not_what_it_is_fails(reads, block):
    with pytest.raises(AssertionError, match=r"page.md:\d: a block of .*tag what runs as sh"):
        reads(block)


def test_a_block_is_named_by_text_that_it_alone_has(tmp_path):
    (tmp_path / "page.md").write_text("```sh\nsluice check\n```\n```sh\nsluice train\n```\n")
    page = Page(tmp_path, "page.md")
    assert page.block_with("train").line == 5
    for text in ("sluice", "forecast"):
        with pytest.raises(ValueError, match="one is meant"):
            page.block_with(text)
