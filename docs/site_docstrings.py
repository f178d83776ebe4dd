"""What Griffe does to docstrings before they become pages: examples and indented formulas become blocks of code."""

import re
from typing import Any

import griffe

SECTION = re.compile(r"[A-Z]\w+( \w+)?:")


class IndentedBlocks(griffe.Extension):
    """Fences the indented blocks of a docstring's text, which Markdown would join to a paragraph."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Called for each object of the package."""
        if obj.docstring is not None:
            obj.docstring.value = fenced(obj.docstring.value)


def fenced(text: str) -> str:
    """Fences the indented blocks of a text that are not part of a section such as `Args:` or of a list; names its examples.

    Args:
      text: the docstring, without its common indentation.

    Returns:
      Markdown.
    """
    made: list[str] = []
    section = False
    first, *others = re.split(r"\n[ \t]*\n", text)
    if not any(line.startswith((" ", "-", ">", "`")) for line in first.split("\n")):
        first = first.replace("\n", " ")  # the tables of contents show one line
    for block in [first, *others]:
        lines = block.split("\n")
        inside = all(line.startswith("  ") for line in lines)
        if not inside:
            section = any(SECTION.fullmatch(line) for line in lines) and lines[-1].startswith("  ")
        if inside and not section and not re.match(r" +- ", lines[0]):
            language = "python" if lines[0].lstrip().startswith(">>>") else "text"
            made += [f"```{language}", *(line[2:] for line in lines), "```", ""]
        else:
            made += [block, ""]
    return re.sub(r"^Example:$", "Examples:", "\n".join(made).rstrip() + "\n", flags=re.MULTILINE)  # the name that Griffe knows
