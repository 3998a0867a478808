"""Results as a table for people."""

import sys

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from tumorlens.cli.console import out
from tumorlens.cli.exits import say
from tumorlens.errors import TumorlensError
from tumorlens.prediction import VolumePrediction
from tumorlens.reporting.results import Result
from tumorlens.reporting.wording import percent, printable, spoken


class TablePrinter:
    """Collects one small row a result, and prints the table at the end, whatever ends it."""

    def __init__(self) -> None:
        self._rows: list[list[Text]] = []
        self._errors: list[TumorlensError] = []
        self._has_volumes = False

    def __enter__(self) -> "TablePrinter":
        return self

    def add(self, result: Result) -> None:
        """Take one result."""
        if isinstance(result, TumorlensError):
            self._errors.append(result)
            self._rows.append([_source(result.source), Text("refused", "red")])
            return
        answer = result[1]
        row = [
            _source(answer.source),
            Text(spoken(answer.label), "bold"),
            Text(percent(answer.probabilities[answer.label])),
            Text(percent(answer.tumor_probability)),
        ]
        if isinstance(answer, VolumePrediction):
            self._has_volumes = True
            row.append(Text(", ".join(map(str, answer.suspicious))))
        self._rows.append(row)

    def __exit__(self, *_: object) -> None:
        if self._rows:
            out().print(self._table())
            sys.stdout.flush()
        for error in self._errors:
            say(f"refused: {error}")

    def _table(self) -> Table:
        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
        table.add_column("input", overflow="fold")
        table.add_column("answer", no_wrap=True)
        table.add_column("probability", justify="right", no_wrap=True)
        table.add_column("any tumor", justify="right", no_wrap=True)
        if self._has_volumes:
            table.add_column("most suspicious slices", overflow="fold")
        for row in self._rows:
            table.add_row(*row)
        return table


def _source(source: str) -> Text:
    """Never markup: a file may be named ``[red]``."""
    return Text(printable(source))
