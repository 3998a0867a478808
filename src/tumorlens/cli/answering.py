"""What ``tumorlens predict`` does, once it is known what is wanted."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from io import TextIOWrapper
from pathlib import Path
from typing import Protocol

from tumorlens.card import Card
from tumorlens.cli.exits import say
from tumorlens.cli.passed_over import tell_passed_over
from tumorlens.cli.skull_stripping import choose
from tumorlens.errors import ConfigError, TumorlensError
from tumorlens.extras import import_extra
from tumorlens.model import FLOAT32, load_model
from tumorlens.notice import NOTICE
from tumorlens.reading import Source, find_sources
from tumorlens.reporting.formats import FORMATS, TextWriter, to_record
from tumorlens.reporting.results import Result, answer_all

LONG_WORK = 8
"""From this many inputs on, a terminal sees a progress bar."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for on the command line; the fields are its options."""

    output_format: str
    output: Path | None
    model: Path | None
    target: str | None
    explained: bool
    precision: str = FLOAT32
    dicom: bool = False
    skull_strip: str | None = None
    tta: bool = False


class Printer(AbstractContextManager["Printer"], Protocol):
    """Writes results to standard output."""

    def add(self, result: Result) -> None:
        """Take one result."""


def answer_paths(paths: Sequence[str], wish: Wish) -> int:
    """Answer all that is found at the paths, print it, and write the report if wished.

    Returns:
        How many inputs could not be read. Those that are read but look like no brain MRI are
        answered, as not accepted.

    Raises:
        ModelError: The model folder cannot be used.
        ConfigError: The output folder cannot be used, or the model has no class ``target``.
    """
    found = find_sources(paths)
    loaded = load_model(wish.model, threads=_threads(found.sources), precision=wish.precision)
    model = choose(loaded.with_tta() if wish.tta else loaded, wish.skull_strip)
    _check_target(wish.target, model.card)
    tell_passed_over(found.passed_over)
    sources = found.sources
    wish = _without_empty_report(wish, sources)
    answered = _with_dicom(answer_all(sources, model=model), sources, wish)
    results = _with_progress(answered, len(sources), wish)
    refused = unlike = 0
    page = None
    with _printer(wish.output_format, model.card) as printer:

        def shown() -> Iterator[Result]:
            nonlocal refused, unlike
            for result in results:
                printer.add(result)
                if isinstance(result, TumorlensError):
                    refused += 1
                else:
                    unlike += not result[1].accepted
                yield result

        page = _write(shown(), wish, model.card)
    _tell_end(len(sources), refused, unlike, page, wish)
    return refused


def _threads(sources: Sequence[Source]) -> int:
    """For one pass: all cores where there is one file to answer, else each core its own pass."""
    return 0 if len(sources) == 1 and len(sources[0].files) <= 1 else 1


def _without_empty_report(wish: Wish, sources: Sequence[Source]) -> Wish:
    """An earlier report, whose scans are gone, does not give way to one of nothing."""
    if wish.output is None or any(source.files for source in sources):
        return wish
    say("no report is written: there is nothing to answer")
    return replace(wish, output=None)


class TextPrinter:
    """Prints records as JSON, JSON lines or CSV, each as soon as it is known."""

    def __init__(self, output_format: str, card: Card) -> None:
        # File names may hold bytes that are no text; CSV gives back the very same bytes.
        _set_stdout(encoding="utf-8", errors="surrogateescape", newline="\n")
        self._outlined = FORMATS[output_format].outlined
        self._writer = TextWriter(output_format, sys.stdout.write, classes=card.classes)

    def __enter__(self) -> "TextPrinter":
        self._writer.__enter__()
        return self

    def add(self, result: Result) -> None:
        """Print one record."""
        self._writer.add(to_record(result, outlined=self._outlined))
        sys.stdout.flush()

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._writer.__exit__(kind, *rest)


def _printer(output_format: str, card: Card) -> Printer:
    if output_format != "table":
        return TextPrinter(output_format, card)
    from tumorlens.cli.table import TablePrinter

    _set_stdout(errors="backslashreplace")
    return TablePrinter()


def _set_stdout(
    *, encoding: str | None = None, errors: str | None = None, newline: str | None = None
) -> None:
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding=encoding, errors=errors, newline=newline)


def _write(results: Iterable[Result], wish: Wish, card: Card) -> Path | None:
    if wish.output is None:
        for _ in results:
            pass
        return None
    from tumorlens.reporting.report import write_report

    return write_report(
        results, wish.output, card=card, target=wish.target, explained=wish.explained
    )


def _with_dicom(
    results: Iterator[Result], sources: Sequence[Source], wish: Wish
) -> Iterator[Result]:
    """The same results, each answer written as a DICOM report on its way where that is wished."""
    if not wish.dicom or wish.output is None:
        return results
    objects = import_extra("tumorlens.reporting.dicom_folder", extra="dicom")
    objects.check_dicom(sources)
    reported: Iterator[Result] = objects.with_reports(results, sources, wish.output)
    return reported


def _with_progress(results: Iterator[Result], total: int, wish: Wish) -> Iterator[Result]:
    """The same results, with a progress bar where a person sees one and it disturbs nothing."""
    is_clear = wish.output_format == "table" or not sys.stdout.isatty()
    if total < LONG_WORK or not sys.stderr.isatty() or not is_clear:
        return results
    from tumorlens.cli.progress import follow

    return follow(results, total)


def _check_target(target: str | None, card: Card) -> None:
    if target is not None and target not in card.classes:
        raise ConfigError(
            expected=f"one of the classes {', '.join(card.classes)}",
            found=target,
            remedy="Choose one of them.",
            source="--target",
        )


def _tell_end(total: int, refused: int, unlike: int, page: Path | None, wish: Wish) -> None:
    if refused and total > 1:
        say(f"{total - refused} answered, {refused} refused")
    if unlike and total > 1:
        say(f"{unlike} not accepted")
    if wish.output_format == "table":
        say(NOTICE)
    if page is not None:
        say(f"report: {page}")
