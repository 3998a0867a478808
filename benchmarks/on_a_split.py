"""What the benchmarks of models on a split's validation patients have in common."""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quoting import quoted

Figures = dict[str, Any]
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Quotation:
    """Where measured figures are kept and shown.

    Attributes:
        name: Of the marks in the page, see `quoting`.
        figures: The JSON file of all that was measured.
        docs: The page with the table.
        table: Makes it, in Markdown, from what was measured.
    """

    name: str
    figures: Path
    docs: Path
    table: Callable[[Figures], str]

    def filled(self, page: str, found: Figures) -> str:
        """The page with its table replaced."""
        return quoted(self.table(found), page, name=self.name, source=str(self.docs))

    def write(self, found: Figures) -> None:
        """Keep the figures, and put the table into the page."""
        self.figures.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        page = self.docs.read_text(encoding="utf-8")
        self.docs.write_text(self.filled(page, found), encoding="utf-8")


def figure(value: float | None, ends: Sequence[float] | None) -> str:
    """A score with its interval; a dash where there is none."""
    if value is None:
        return "-"
    return f"{value:.3f}" + (f" ({ends[0]:.3f} to {ends[1]:.3f})" if ends else "")


def run(
    measure: Callable[[Path, Path], Figures], quotation: Quotation, *, description: str | None
) -> None:
    """The command line: measure on DATA and ``--split``, print the table, ``--write`` it.

    Args:
        measure: Takes the folder of data sets and the ``split.csv``.
        quotation: Where the figures go.
        description: The script's docstring; its first line is told by ``--help``.
    """
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--write", action="store_true")
    wanted = parser.parse_args()
    found = measure(wanted.data, wanted.split)
    print(quotation.table(found))
    if wanted.write:
        quotation.write(found)
