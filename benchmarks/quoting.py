"""Put measured figures into a document, between the two marks that bear their name."""

from pathlib import Path


def quote(figures: str, document: Path, *, name: str) -> None:
    """Replace what stands between ``<!-- NAME: begin -->`` and ``<!-- NAME: end -->``.

    Raises:
        SystemExit: The document has no such marks.
    """
    document.write_text(quoted(figures, document.read_text(), name=name, source=str(document)))


def quoted(figures: str, text: str, *, name: str, source: str = "the text") -> str:
    """The text of a document with the figures between its marks; see `quote`."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, found, rest = text.partition(begin)
    _, also_found, after = rest.partition(end)
    if not (found and also_found):
        raise SystemExit(f"{source} has no {begin} ... {end}")
    return f"{before}{begin}\n{figures.strip()}\n{end}{after}"
