"""An audit -> a folder: ``groups.csv``, ``audit.json`` and one page."""

import csv
import io
import json
from pathlib import Path

from tumorlens.errors import ConfigError
from tumorlens.home_folder import expand
from tumorlens.lab.audit.page import render_page
from tumorlens.lab.audit.result import Audit
from tumorlens.lab.audited_groups import COLUMNS
from tumorlens.reading.own_files import MARK
from tumorlens.reporting.folder import PartialFile, writing

PAGE, JSON, GROUPS = "index.html", "audit.json", "groups.csv"


def write_audit(audit: Audit, folder: Path) -> Path:
    """Write an audit into a folder.

    Each file appears under its name only when it is whole; the page comes last. An earlier
    audit's files are replaced, no other file is touched.

    Args:
        audit: What was found.
        folder: Where to; it is made if need be.

    Returns:
        The path of the page.

    Raises:
        ConfigError: The folder cannot be written, or holds files of these names that are not
            of an audit.
    """
    folder = expand(folder)
    claim_folder(folder)
    for name, text in ((GROUPS, groups_csv(audit)), (JSON, _json(audit))):
        with PartialFile(folder / name) as file:
            file.write(text)
    with PartialFile(folder / PAGE) as file:
        for piece in render_page(audit):
            file.write(piece)
    return folder / PAGE


def claim_folder(folder: Path) -> None:
    """Make the folder, or make sure that writing an audit into it destroys nothing.

    Raises:
        ConfigError: It cannot be made, or it holds files of these names of another origin.
    """
    folder = expand(folder)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        taken = [name for name in (PAGE, JSON, GROUPS) if (folder / name).exists()]
    if taken and not _is_ours(folder):
        raise ConfigError(
            expected="a new or empty folder, or one with an earlier audit by tumorlens",
            found=f"{', '.join(taken)} of another origin in it",
            remedy="Choose another folder with --output, or move these away.",
            source=str(folder),
        )


def groups_csv(audit: Audit) -> str:
    """One line a picture: its path, its group, and its patient where one is known.

    A picture's patient is its own, or that of the pictures it is a copy of; several are
    joined by ``;``.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    clusters = audit.clusters
    for entry, group, patients in zip(
        audit.entries, clusters.group, clusters.patients, strict=True
    ):
        writer.writerow((entry.path.as_posix(), group, ";".join(patients)))
    return text.getvalue()


def _json(audit: Audit) -> str:
    return json.dumps(audit.to_json(), indent=1, ensure_ascii=True) + "\n"


def _is_ours(folder: Path) -> bool:
    """By the page; or, where a killed audit left none, by the head of its CSV."""
    try:
        if (folder / PAGE).exists():
            with (folder / PAGE).open(encoding="utf-8", errors="replace") as page:
                # Outlines and answers have a page of ours too, but no audit beside it.
                return MARK in page.read(1000) and (folder / JSON).exists()
        if (folder / GROUPS).exists():
            with (folder / GROUPS).open(encoding="utf-8", errors="replace") as lines:
                return lines.readline().strip() == ",".join(COLUMNS)
    except OSError:
        pass
    return False
