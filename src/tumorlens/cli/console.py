"""Rich's consoles, made when needed: Rich is slow to import."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_UNBOUNDED = 10_000  # columns of a file or a pipe: no line is broken there


def out() -> "Console":
    """Standard output, for tables; as wide as they need where it is no terminal."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else _UNBOUNDED
    return Console(file=sys.stdout, width=width, highlight=False)


def err() -> "Console":
    """Standard error, for progress bars and messages."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)
