"""docs/performance.md: each script writes the part between its own marks, and no other."""

from pathlib import Path

from quoting import quote

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"


def write_part(name: str, text: str, page: Path = PAGE) -> None:
    """Put text between ``<!-- NAME: begin -->`` and ``<!-- NAME: end -->``."""
    quote(text, page, name=name)


def table(heads: list[str], rows: list[list[str]]) -> str:
    """A Markdown table, the first column to the left."""
    rule = "|" + "---|" + "---:|" * (len(heads) - 1)
    return "\n".join([_row(heads), rule, *map(_row, rows)])


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
