"""The pages of documentation, as their readers see them: blocks of code, inline code and links."""

import dataclasses
import pathlib
import re

from markdown_it import MarkdownIt


@dataclasses.dataclass(frozen=True)
class Block:
    """A block of code."""

    line: int  # of its first line of code
    language: str
    code: str


class Page:
    def __init__(self, root, name):
        self.name = name
        self.path = pathlib.Path(root) / name
        tokens = MarkdownIt().enable("table").parse(self.path.read_text(encoding="utf-8"))
        self.blocks, self.spans, self.links, self.headings = [], [], [], []
        for token, before in zip(tokens, [None, *tokens]):
            if token.type in ("fence", "code_block"):
                self.blocks.append(Block(token.map[0] + 1 + (token.type == "fence"), token.info, token.content))
            for child in token.children or []:
                if child.type == "code_inline":
                    self.spans.append(child.content)
                elif child.type == "link_open":
                    self.links.append(child.attrs["href"])
            if token.type == "inline" and before.type == "heading_open":
                self.headings.append(anchor("".join(child.content for child in token.children)))

    def block_with(self, text):
        """The one block that has this text; ValueError if none has, or several have."""
        found = [block for block in self.blocks if text in block.code]
        if len(found) != 1:
            raise ValueError(f"{self.name}: {len(found)} blocks have {text!r}; one is meant")
        return found[0]


def anchor(heading):
    """What GitHub makes of a heading for links to it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def listed(page, table):
    """Blocks of the page that a table of {(page, text): why} has."""
    return {page.block_with(text): why for (name, text), why in table.items() if name == page.name}


def pages(root):
    """Names of all pages, but the list of changes: what it says was true once."""
    found = (path.relative_to(root) for path in pathlib.Path(root).rglob("*.md"))
    hidden = [path for path in found if path.parts[0] not in ("build", "runs", "demo") and path.parts[0][0] != "."]
    return sorted(path.as_posix() for path in hidden if path.name != "CHANGELOG.md")
