"""Telling which files of a searched folder were not taken up."""

from collections.abc import Sequence
from pathlib import Path

from tumorlens.cli.exits import say

_NAMED = 3


def tell_passed_over(files: Sequence[Path]) -> None:
    """Say how many were no scans, and name the first."""
    _tell(files, "being no scans")


def tell_unlabelled(files: Sequence[Path]) -> None:
    """Say how many pictures stand in no class of a data set, and name the first."""
    _tell(files, "in no class of a data set")


def _tell(files: Sequence[Path], why: str) -> None:
    if files:
        names = ", ".join(str(file) for file in files[:_NAMED])
        more = ", ..." if len(files) > _NAMED else ""
        say(f"passed over, {why}: {len(files)} ({names}{more})")
