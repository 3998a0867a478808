"""Results as a table for people."""

import sys

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from tumorlens.cli.console import out
from tumorlens.cli.exits import say
from tumorlens.conformal import ADVICE
from tumorlens.errors import TumorlensError
from tumorlens.prediction import VolumePrediction
from tumorlens.reporting.results import Result
from tumorlens.reporting.wording import SLICE_NUMBERS, also_possible, percent, printable, spoken


class TablePrinter:
    """Collects one small row a result, and prints the table at the end, whatever ends it."""

    def __init__(self) -> None:
        self._rows: list[list[Text]] = []
        self._errors: list[TumorlensError] = []
        self._refusals: list[str] = []
        self._has_volumes = False
        self._has_sets = False

    def __enter__(self) -> "TablePrinter":
        return self

    def add(self, result: Result) -> None:
        """Take one result."""
        if isinstance(result, TumorlensError):
            self._errors.append(result)
            self._rows.append([_source(result.source), Text("refused", "red")])
            return
        answer = result[1]
        if answer.reason is not None:
            self._refusals.append(f"{printable(answer.source)}: {answer.reason}")
            self._rows.append([_source(answer.source), Text("refused", "red")])
            return
        others = also_possible(answer.label, answer.conformal_set)
        self._has_sets = self._has_sets or bool(others)
        row = [
            _source(answer.source),
            Text(spoken(answer.label), "bold"),
            Text(percent(answer.probabilities[answer.label])),
            Text(percent(answer.tumor_probability)),
            Text(others),
        ]
        if isinstance(answer, VolumePrediction):
            self._has_volumes = True
            row.append(Text(", ".join(map(str, answer.suspicious))))
        self._rows.append(row)

    def __exit__(self, *_: object) -> None:
        if self._rows:
            out().print(self._table())
            sys.stdout.flush()
        for refusal in (*self._errors, *self._refusals):
            say(f"refused: {refusal}")
        if self._has_volumes:
            say(SLICE_NUMBERS)
        if self._has_sets:
            say(f"where another class cannot be excluded: {ADVICE}")

    def _table(self) -> Table:
        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
        table.add_column("input", overflow="fold")
        table.add_column("answer", no_wrap=True)
        table.add_column("probability", justify="right", no_wrap=True)
        table.add_column("any tumor", justify="right", no_wrap=True)
        if self._has_sets:
            table.add_column("or", overflow="fold")
        if self._has_volumes:
            table.add_column("most suspicious slices", overflow="fold")
        for row in self._rows:
            table.add_row(*(row if self._has_sets else row[:4] + row[5:]))
        return table


def _source(source: str) -> Text:
    """Never markup: a file may be named ``[red]``."""
    return Text(printable(source))
