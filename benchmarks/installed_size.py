"""What a program needs on disk: its packages and all that these require, as installed here."""

import re
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement


def installed_bytes(*packages: str) -> int | None:
    """Bytes of the packages and their requirements; None where one of them is not installed."""
    try:
        return sum(_own_bytes(name) for name in _closure(packages))
    except PackageNotFoundError:
        return None


def _closure(packages: tuple[str, ...]) -> set[str]:
    found: set[str] = set()
    waiting = [_plain(name) for name in packages]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for line in distribution(name).requires or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                waiting.append(_plain(needed.name))
    return found


def _own_bytes(name: str) -> int:
    files = distribution(name).files or []
    return sum(
        path.stat().st_size
        for path in (file.locate() for file in files)
        if path.is_file() and path.suffix != ".pyc"
    )


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
