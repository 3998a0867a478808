"""Progress bars on standard error."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from tumorlens.cli.console import err

_Item = TypeVar("_Item")


def bars(*, transient: bool = False) -> Progress:
    """Progress bars with a description, a count and the time left; use it in a ``with`` block.

    Args:
        transient: Whether the bars vanish at the end.
    """
    what = TextColumn("{task.description}", markup=False)  # a case may be named [red]
    columns = (what, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=err(), transient=transient)


def follow(results: Iterator[_Item], total: int) -> Iterator[_Item]:
    """Hand on the results, showing how many of them are done; the bar vanishes at the end."""
    with bars(transient=True) as progress:
        task = progress.add_task("", total=total)
        for result in results:
            progress.advance(task)
            yield result


def steps(progress: Progress) -> Callable[[str, int, int], None]:
    """What is told (what, done, total): one bar a step, made when it is first heard of."""
    tasks: dict[str, Any] = {}

    def follow(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = progress.add_task(what, total=total)
        progress.update(tasks[what], completed=done, total=total)

    return follow
