"""The Markdown that generated pages are made of."""

from collections.abc import Sequence

MADE = "<!-- Made by `manage.py handbook`; change the code it is made from instead. -->"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table."""
    cells = [head, ["---"] * len(head), *([_cell(text) for text in row] for row in rows)]
    return [f"| {' | '.join(row)} |" for row in cells]


def page(lines: Sequence[str]) -> str:
    """Return lines as the text of a file."""
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "\\<")
