"""A progress bar on standard error."""

from collections.abc import Iterator

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from tumorlens.cli.console import err
from tumorlens.reporting.results import Result


def follow(results: Iterator[Result], total: int) -> Iterator[Result]:
    """Hand on the results, showing how many of them are done; the bar vanishes at the end."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err(), transient=True) as progress:
        task = progress.add_task("", total=total)
        for result in results:
            progress.advance(task)
            yield result
