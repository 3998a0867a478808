"""Results -> a folder: one HTML page, the answers for machines, and the overlays."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from tumorlens.card import Card, read_card
from tumorlens.errors import ConfigError, TumorlensError
from tumorlens.home_folder import expand
from tumorlens.model import DEFAULT_FOLDER
from tumorlens.overlapping import cores, overlapped
from tumorlens.reading.own_files import OVERLAYS, PAGE
from tumorlens.reporting.figure import draw_figure, png_bytes
from tumorlens.reporting.folder import (
    CSV,
    JSON,
    FileNames,
    PartialFile,
    claim_folder,
    growing,
    write_bytes,
    writing,
)
from tumorlens.reporting.formats import TextWriter, to_record
from tumorlens.reporting.overlay import make_overlays
from tumorlens.reporting.page import Picture, Row, make_picture, make_row, render_entry, render_page
from tumorlens.reporting.results import Result
from tumorlens.scan import Volume


def write_report(
    results: Iterable[Result],
    folder: str | Path,
    *,
    card: Card | None = None,
    target: str | None = None,
    explained: bool = True,
) -> Path:
    """Write answers and their heatmaps into a folder.

    The folder gets ``index.html``, a page that needs no other file; ``answers.json`` and
    ``answers.csv``; and ``overlays/NAME.png``: scan, heatmap and both, each at the scan's own
    size (of a volume its most suspicious slices, ``NAME-slice-INDEX.png``). Each result is
    written as it comes and then forgotten, so any number of inputs needs the same memory. An
    earlier report in the folder is replaced when the new one is complete, not before; no other
    file is touched. Writing again after a killed run gives what an unbroken one would have.

    >>> scan = read_scan("scan.jpg")  # doctest: +SKIP
    >>> write_report([(scan, predict(scan))], "report")  # doctest: +SKIP
    PosixPath('report/index.html')

    Args:
        results: For each input (scan, prediction), or the `tumorlens.errors.ScanError` that
            says why there is no answer; any iterable, also a generator.
        folder: Where to; it is made if need be.
        card: Of the model that answered, ``model.card``; the bundled model's where None.
        target: The class that the heatmaps explain; for each slice the predicted one where
            None.
        explained: Whether to draw heatmaps at all.

    Returns:
        The path of ``index.html``.

    Raises:
        ConfigError: The folder cannot be written, holds files of these names that are not ours,
            or the page of outlines or of an audit; the model has no class ``target``; or another
            model answered than the card's.
        ModelError: There is no bundled model.
    """
    place = expand(folder)
    card = card or read_card(DEFAULT_FOLDER)
    _check_no_other_page(place)
    claim_folder(place)
    with growing(place) as aside, ExitStack() as stack:
        page = stack.enter_context(PartialFile(aside / PAGE))
        report = _Report(aside, card, target, explained, stack)
        painted = overlapped(
            report.paint, enumerate(results, 1), workers=cores(), alone=_holds_volume
        )
        for one in painted:
            report.add(one)
        for piece in render_page(card, report.rows, report.entries()):
            page.write(piece)
    return place / PAGE


def _check_no_other_page(folder: Path) -> None:
    """Keep the page of ``tumorlens segment`` or ``tumorlens audit`` from being written over."""
    # A report's answers are there before its page is.
    if (folder / PAGE).exists() and not (folder / JSON).exists():
        raise ConfigError(
            expected="a new or empty folder, or one with an earlier report of answers",
            found=f"{PAGE} without {JSON}: a page of another origin, of outlines or of an audit",
            remedy="Choose another folder, or move the page away.",
            source=str(folder),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Painted:
    """An input's result, and its overlays: what follows the name, the PNG, and the page's own."""

    result: Result
    overlays: tuple[tuple[str, bytes, Picture], ...]


class _Report:
    """A report while it grows."""

    def __init__(
        self, place: Path, card: Card, target: str | None, explained: bool, stack: ExitStack
    ) -> None:
        self.rows: list[Row] = []
        self._place = place
        self._card = card
        self._target = target
        self._explained = explained
        self._names = FileNames()
        files = [stack.enter_context(PartialFile(place / name)) for name in (JSON, CSV)]
        self._writers = [
            stack.enter_context(TextWriter(name, file.write, classes=card.classes))
            for name, file in zip(("json", "csv"), files, strict=True)
        ]
        self._spool = stack.enter_context(_spool(place))

    def paint(self, numbered: tuple[int, Result]) -> _Painted:
        """Draw one input's overlays; may run in a thread."""
        number, result = numbered
        self._check_model(result)
        return _Painted(result, tuple(self._draw(result, number)))

    def add(self, painted: _Painted) -> None:
        """Write one input's overlays and records, and keep its part of the page on disk."""
        result, number = painted.result, len(self.rows) + 1
        pictures = [self._write(result, *overlay) for overlay in painted.overlays]
        record = to_record(result)
        if pictures:
            record["overlays"] = [picture.file for picture in pictures]
        for writer in self._writers:
            writer.add(record)
        self.rows.append(make_row(result, number=number))
        entry = render_entry(result, pictures, number=number).replace("\n", " ")
        with writing(self._place):
            self._spool.write(entry + "\n")

    def entries(self) -> Iterator[str]:
        """The inputs' parts of the page, one a line, in order."""
        with writing(self._place):
            self._spool.seek(0)
        yield from self._spool

    def _draw(self, result: Result, number: int) -> Iterator[tuple[str, bytes, Picture]]:
        if isinstance(result, TumorlensError) or not self._explained:
            return
        for overlay in make_overlays(*result, target=self._target):
            part = "" if overlay.index is None else f"-slice-{overlay.index:03d}"
            yield part, png_bytes(draw_figure(overlay)), make_picture(overlay, "", number=number)

    def _write(self, result: Result, part: str, png: bytes, picture: Picture) -> Picture:
        """Write one overlay; returns the page's picture with the file's name."""
        source = result.source if isinstance(result, TumorlensError) else result[1].source
        file = f"{OVERLAYS}/{self._names.name(source, part=part)}.png"
        write_bytes(self._place / file, png)
        return replace(picture, file=file)

    def _check_model(self, result: Result) -> None:
        if isinstance(result, TumorlensError) or result[1].model.sha256 == self._card.sha256:
            return
        found = result[1].model
        raise ConfigError(
            expected=f"answers of {self._card.name} {self._card.version}, as the card says",
            found=f"an answer of {found.name} {found.version}",
            remedy="Give the card of the model that answered: write_report(..., card=model.card).",
            source="card",
        )


def _holds_volume(numbered: tuple[int, Result]) -> bool:
    result = numbered[1]
    return not isinstance(result, TumorlensError) and isinstance(result[0], Volume)


def _spool(place: Path) -> IO[str]:
    with writing(place):
        return tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n", dir=place)
