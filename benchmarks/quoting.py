"""Put measured figures into a document, between the two marks that bear their name."""

from pathlib import Path


def quote(figures: str, document: Path, *, name: str) -> None:
    """Replace what stands between ``<!-- NAME: begin -->`` and ``<!-- NAME: end -->``.

    Raises:
        SystemExit: The document has no such marks.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, found, rest = document.read_text().partition(begin)
    _, also_found, after = rest.partition(end)
    if not (found and also_found):
        raise SystemExit(f"{document} has no {begin} ... {end}")
    document.write_text(f"{before}{begin}\n{figures.strip()}\n{end}{after}")
