"""How long work tells a caller where it stands."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with (done, total)."""


def silent(*_: object) -> None:
    """Tell nobody."""
