"""The audit of a folder, by the lab where it is installed."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from tumorlens.errors import ConfigError, MissingExtraError
from tumorlens.reporting.wording import printable

Progress = Callable[[str, int, int], None]
"""Called with (what is done, done, total)."""

STAGES = {
    "on_read": "reading pictures",
    "on_search": "searching twins",
    "on_compare": "comparing likely ones",
}
"""The stages of an audit, by the name the lab gives to each."""

Rows = list[dict[str, str | int]]


@dataclass(frozen=True, slots=True)
class Findings:
    """What an audit found, ready to be shown.

    Attributes:
        pictures: How many files were looked at.
        groups: How many groups they fall into.
        tables: Titled tables; empty ones are left out.
        page: The audit's own HTML page, with the worst pairs side by side.
        groups_csv: What must stay on one side of a split.
    """

    pictures: int
    groups: int
    tables: dict[str, Rows]
    page: str
    groups_csv: str


def audit_folder(folder: Path, *, max_pictures: int, progress: Progress) -> Findings:
    """Audit a folder of pictures.

    Args:
        folder: A data set, a folder of several, or any folder of pictures.
        max_pictures: More are refused before any is read.
        progress: Is told where the audit stands.

    Raises:
        MissingExtraError: The lab is not installed.
        DataError: There is no picture in the folder, or a data set is not whole.
        ConfigError: There are too many.
    """
    lab = _lab("tumorlens.lab.audit")
    if (count := len(lab.find_entries([folder]))) > max_pictures:
        raise ConfigError(
            expected=f"at most {max_pictures:,} pictures",
            found=f"{count:,}",
            remedy="Run it where it has time: tumorlens audit FOLDER --output audit",
            source=str(folder),
        )
    watch = lab.Watch(**{name: _told(progress, stage) for name, stage in STAGES.items()})
    found = lab.audit([folder], watch=watch)
    record = found.to_json()
    return Findings(
        pictures=record["pictures"],
        groups=record["groups"],
        tables=audit_tables(record, relations=lab.RELATIONS, faults=lab.FAULTS),
        page="".join(_lab("tumorlens.lab.audit.page").render_page(found)),
        groups_csv=_lab("tumorlens.lab.audit.writing").groups_csv(found),
    )


def audit_tables(
    record: dict[str, Any], *, relations: dict[str, str], faults: dict[str, str]
) -> dict[str, Rows]:
    """An audit's record as titled tables.

    Args:
        record: Its ``to_json()``.
        relations: What each relation of twins means.
        faults: What each fault means.
    """
    identical = Counter(twins["relation"] for twins in record["twins"] if twins["identical"])
    tables: dict[str, Rows] = {
        "Classes": [
            {"set": printable(name), **counts, "pictures": sum(counts.values())}
            for name, counts in record["balance"].items()
        ],
        "The same picture twice": [
            {
                "twins in": name,
                "pairs": count,
                "identical files": identical[name],
                "meaning": relations[name],
            }
            for name, count in record["relations"].items()
            if count
        ],
        "Carried from one set to another": [
            {
                "one set": printable(one["first"]),
                "the other": printable(one["second"]),
                "groups in both": one["groups"],
                "pictures of the one": f"{one['pictures'][0]} of {one['of'][0]}",
                "of the other": f"{one['pictures'][1]} of {one['of'][1]}",
            }
            for one in record["carried"]
        ],
        "Pictures, scans and tables that no data set takes up, not looked at": [
            {"picture": printable(path)} for path in record["passed_over"]
        ],
        "Faults of single pictures": [
            {"fault": name, "picture": printable(one["path"]), "meaning": faults[name]}
            for name, found in record["faults"].items()
            for one in found
        ],
    }
    return {title: rows for title, rows in tables.items() if rows}


def _told(progress: Progress, stage: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(stage, done, total)


def _lab(module: str) -> ModuleType:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            expected="the lab part of tumorlens on the machine of this app",
            found=f"no module {error.name}",
            remedy="Install it there: pip install 'tumorlens[lab]'",
        ) from error
