"""Audit of data sets: the same picture twice, on both sides of a split, under two labels.

``find_entries`` lists the pictures, ``audit`` looks at them and ties twins into groups, and
``write_audit`` writes ``groups.csv``, ``audit.json`` and a page. No network is involved.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tumorlens.home_folder import expand
from tumorlens.lab.audit.clusters import cluster
from tumorlens.lab.audit.entry import Entry, find_entries
from tumorlens.lab.audit.inspection import FAULTS, inspect_all
from tumorlens.lab.audit.result import RELATIONS, Audit, Carried
from tumorlens.lab.audit.twins import Twins, find_twins
from tumorlens.lab.audit.writing import write_audit
from tumorlens.lab.datasets.passed_over import passed_over
from tumorlens.lab.progress import Progress, silent

__all__ = [
    "FAULTS",
    "RELATIONS",
    "Audit",
    "Carried",
    "Entry",
    "Twins",
    "Watch",
    "audit",
    "find_entries",
    "write_audit",
]


@dataclass(frozen=True, slots=True)
class Watch:
    """What a caller wants to hear of an audit, each called with (done, total).

    Attributes:
        on_read: While files are read.
        on_search: While twins are searched for.
        on_compare: While likely ones are compared.
    """

    on_read: Progress = silent
    on_search: Progress = silent
    on_compare: Progress = silent


def audit(folders: Sequence[Path], *, watch: Watch | None = None) -> Audit:
    """Look at every picture of one or more folders, and tie those that are the same.

    Args:
        folders: Each a data set, a folder of them, any folder of pictures, or a CSV.
        watch: Who wants to hear of it.

    Raises:
        DataError: A folder is absent or holds no pictures, or a data set is not whole.
    """
    watch = watch or Watch()
    entries = find_entries(folders)
    files = inspect_all(entries, progress=watch.on_read)
    twins = find_twins(files, on_search=watch.on_search, on_compare=watch.on_compare)
    examples = [entry.example for entry in entries]
    left = [path for folder in folders for path in passed_over(expand(folder), examples)]
    return Audit(tuple(files), tuple(twins), cluster(entries, twins), tuple(dict.fromkeys(left)))
