"""Rich's consoles, made when needed: Rich is slow to import.

They take no text for markup: a file may be named ``[red]``.
"""

import sys
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_UNBOUNDED = 10_000  # columns of a file or a pipe: no line is broken there


def out() -> "Console":
    """Standard output, for tables; as wide as they need where it is no terminal."""
    width = None if sys.stdout.isatty() else _UNBOUNDED
    return _console()(file=sys.stdout, width=width, highlight=False, markup=False)


def err() -> "Console":
    """Standard error, for progress bars and messages."""
    return _console()(stderr=True, highlight=False, markup=False)


@cache
def _console() -> type["Console"]:
    from rich.console import Console

    class PlainConsole(Console):
        """Leaves it to `tumorlens.cli.exits` what a closed pipe means; Rich would exit with 1."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return PlainConsole
