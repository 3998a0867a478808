"""Telling which files of a searched folder were no scans."""

from collections.abc import Sequence
from pathlib import Path

from tumorlens.cli.exits import say

_NAMED = 3


def tell_passed_over(files: Sequence[Path]) -> None:
    """Say how many there were, and name the first."""
    if files:
        names = ", ".join(str(file) for file in files[:_NAMED])
        more = ", ..." if len(files) > _NAMED else ""
        say(f"passed over, being no scans: {len(files)} ({names}{more})")
