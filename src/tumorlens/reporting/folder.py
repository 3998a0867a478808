"""The folder of a report: only ours to overwrite, and whole at any moment.

A report grows in `PARTIAL` inside its folder, and is moved into place when it is complete: a
run that is killed leaves the earlier report whole, and the next run clears away what it left.
"""

import json
import os
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tumorlens.errors import ConfigError
from tumorlens.reading import READERS
from tumorlens.reading.own_files import OVERLAYS, PAGE, is_own_page

JSON = "answers.json"
CSV = "answers.csv"
PARTIAL = ".tumorlens-partial"
"""Where a report grows; hidden, so that no search for scans looks into it."""

_MOVED = (JSON, CSV, PAGE)  # in this order: a page of ours claims the rest
_LONGEST_NAME = 80
_RESERVED = {"con", "prn", "aux", "nul", *(f"{p}{n}" for p in ("com", "lpt") for n in range(10))}
"""Names that Windows keeps for devices."""


def claim_folder(folder: Path) -> None:
    """Make the folder, or make sure that writing a report into it destroys nothing.

    Raises:
        ConfigError: It cannot be made, or it holds files of a report's names that are not of a
            report by tumorlens.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        taken = [name for name in (*_MOVED, OVERLAYS) if (folder / name).exists()]
    if taken and not _is_ours(folder):
        raise ConfigError(
            expected="a new or empty folder, or one with an earlier report of tumorlens",
            found=f"{', '.join(taken)} of another origin in it",
            remedy="Choose another folder, or move these away.",
            source=str(folder),
        )


def check_writable(folder: Path) -> None:
    """Make sure, before any work, that files can be written into a folder, or that it can be made.

    Nothing is made yet, so that a command that fails later leaves no empty folder.

    Raises:
        ConfigError: It cannot be written or made, or a file stands in its place.
    """
    with writing(folder):
        place = folder.absolute()
        while not place.exists():
            place = place.parent
        with tempfile.TemporaryFile(dir=place):
            pass


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the file system says against writing into a `ConfigError`."""
    try:
        yield
    except OSError as error:
        raise ConfigError(
            expected="a folder that can be written to, with room on its disk",
            found=error.strerror or str(error),
            remedy="Choose another folder, or make room.",
            source=str(path),
        ) from error


@contextmanager
def growing(folder: Path) -> Iterator[Path]:
    """Let a report grow aside, and move it into place when the ``with`` block ends well.

    Overlays of earlier reports that the new one does not list are removed; files of others in
    the folder stay. If the block fails, the earlier report stays as it was.

    Args:
        folder: Claimed with `claim_folder`.

    Yields:
        The empty folder that takes the report's files, with ``overlays/`` in it.

    Raises:
        ConfigError: Another run writes into the folder, or it cannot be written.
    """
    with alone_in(folder):
        yield from _growing(folder)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other runs from writing into a folder; where one is killed, the system lets it go.

    On systems and disks without such locks (Windows, some network drives) nothing is kept.

    Raises:
        ConfigError: Another run writes into the folder.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    with writing(folder):
        handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _taken(folder) from None
        except OSError:
            pass  # a disk that knows no locks
        yield
    finally:
        os.close(handle)


def _taken(folder: Path) -> ConfigError:
    return ConfigError(
        expected="a folder that no other run is writing into",
        found="another run of tumorlens at work in it",
        remedy="Wait for its end, or choose another folder.",
        source=str(folder),
    )


def _growing(folder: Path) -> Iterator[Path]:
    aside = folder / PARTIAL
    # A killed run may have moved overlays of a list that it had no time to move.
    earlier = _overlays_listed(folder / JSON) | _overlays_listed(aside / JSON)
    with writing(folder):
        shutil.rmtree(aside, ignore_errors=True)
        (aside / OVERLAYS).mkdir(parents=True)
    try:
        yield aside
        with writing(folder):
            _move(aside, folder, earlier)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _move(aside: Path, folder: Path, earlier: Iterable[str]) -> None:
    drawn = sorted((aside / OVERLAYS).iterdir())
    if drawn:
        (folder / OVERLAYS).mkdir(exist_ok=True)
    for file in drawn:
        file.replace(folder / OVERLAYS / file.name)
    for stale in set(earlier) - {f"{OVERLAYS}/{file.name}" for file in drawn}:
        (folder / stale).unlink(missing_ok=True)
    for name in _MOVED:
        (aside / name).replace(folder / name)


def _overlays_listed(path: Path) -> set[str]:
    """The overlays of a report, as its answers list them; none where they are not whole."""
    try:
        records = json.loads(path.read_bytes())
        listed = [file for record in records for file in record.get("overlays", ())]
        return {f"{OVERLAYS}/{Path(file).name}" for file in listed}
    except (OSError, ValueError, TypeError, AttributeError):
        return set()


class PartialFile:
    """A text file that appears under its name only when it is whole.

    It is written beside, and renamed when the ``with`` block ends; if that fails, an earlier
    file of the name stays as it was.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._aside = path.with_name(f"{path.name}.partial")

    def __enter__(self) -> "PartialFile":
        with writing(self._path):
            # Lone surrogates stand for bytes of file names: they are written as these bytes.
            self._file = self._aside.open(
                "w", encoding="utf-8", errors="surrogateescape", newline=""
            )
        return self

    def write(self, text: str) -> None:
        """Append text.

        Raises:
            ConfigError: The disk is full, or the like.
        """
        with writing(self._path):
            self._file.write(text)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            with writing(self._path):
                self._file.close()
                if kind is None:
                    self._aside.replace(self._path)
        finally:
            self._aside.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file: aside first, then renamed.

    Raises:
        ConfigError: It cannot be written.
    """
    aside = path.with_name(f"{path.name}.partial")
    try:
        with writing(path):
            aside.write_bytes(data)
            aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


class FileNames:
    """Gives out names that are safe on every system and never the same twice."""

    def __init__(self) -> None:
        self._given: dict[str, int] = {}

    def name(self, source: str, *, part: str = "") -> str:
        """A name without suffix for an input, such as ``brain-2`` for the second ``brain.jpg``.

        Only the letters, digits and ``. _ -`` of ASCII are used, and few enough of them for
        every file system.

        Args:
            source: The input's path, or what stands for one.
            part: Of the input, such as ``-slice-012``; follows the name.
        """
        wanted = f"{_safe(source)}{part}"
        name = wanted
        # Some file systems take A.png and a.png for the same.
        while name.lower() in self._given:
            self._given[wanted.lower()] += 1
            name = f"{wanted}-{self._given[wanted.lower()]}"
        self._given[name.lower()] = 1
        return name


def _safe(source: str) -> str:
    name = Path(source).name
    suffixes = sorted((s for r in READERS.values() for s in r.suffixes), key=len, reverse=True)
    for suffix in suffixes:
        if name.lower().endswith(suffix):
            name = name[: -len(suffix)]
            break
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    safe = re.sub(r"[^A-Za-z0-9._-]+", "_", plain).strip("._- ")[:_LONGEST_NAME].rstrip(".")
    is_reserved = safe.partition(".")[0].lower() in _RESERVED
    return f"scan-{safe}" if is_reserved else safe or "scan"


def _is_ours(folder: Path) -> bool:
    if (folder / PARTIAL / OVERLAYS).is_dir():  # a run was killed before its page was in place
        return True
    return is_own_page(folder / PAGE)
