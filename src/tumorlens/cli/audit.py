"""``tumorlens audit``: folders of pictures in, what is wrong with them out."""

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tumorlens.cli.passed_over import tell_unlabelled
from tumorlens.extras import import_extra

if TYPE_CHECKING:
    from rich.progress import Progress
    from rich.table import Table

    from tumorlens.lab.audit import Audit


def audit(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR...",
            help="Data sets, folders that hold several, any folder of pictures, or a CSV.",
        ),
    ],
    *,
    output: Annotated[
        Path, typer.Option(help="Folder for groups.csv, audit.json and index.html.")
    ] = Path("audit"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not tables.")] = False,
) -> None:
    """Find pictures that are there twice, leak between sets, carry two labels, or are broken.

    Twins are found when they were re-encoded, resized, cropped, padded, mirrored, turned, or
    made brighter. groups.csv names what must stay on one side of a split.

    Example: tumorlens audit ~/data/sartaj ~/data/cheng --output audit
    """
    from tumorlens.cli.console import out
    from tumorlens.cli.progress import bars
    from tumorlens.reporting.folder import check_writable

    lab = import_extra("tumorlens.lab.audit", extra="lab")
    writing = import_extra("tumorlens.lab.audit.writing", extra="lab")
    check_writable(output)
    writing.claim_folder(output)
    with bars(transient=True) as progress:
        found = lab.audit(folders, watch=_watch(progress))
    page = lab.write_audit(found, output)
    tell_unlabelled(found.passed_over)
    if as_json:
        typer.echo(json.dumps(found.to_json(), indent=2))
        return
    for table in (_sets(found), _faults(found), _twins(found), _carried(found)):
        if table.row_count:
            out().print(table)
    typer.echo(f"{page}: the worst pairs side by side")
    setting = f"data.groups={json.dumps(page.with_name(writing.GROUPS).as_posix())}"
    typer.echo(
        f"keep them on one side: tumorlens train CONFIG --data DIR --set {shlex.quote(setting)}"
    )


def _watch(progress: "Progress") -> object:
    """A bar for each of the three stages."""
    lab = import_extra("tumorlens.lab.audit", extra="lab")

    def bar(name: str) -> object:
        task = progress.add_task(name, total=None)
        return lambda done, total: progress.update(task, completed=done, total=total)

    return lab.Watch(bar("reading pictures"), bar("searching twins"), bar("comparing likely ones"))


def _sets(found: "Audit") -> "Table":
    from rich.table import Table

    balance = found.balance()
    labels = sorted({label for counts in balance.values() for label in counts})
    table = Table("set", *labels, "pictures", title="Classes")
    for name, counts in balance.items():
        row = [str(counts.get(label, 0)) for label in labels]
        table.add_row(name, *row, str(sum(counts.values())))
    return table


def _faults(found: "Audit") -> "Table":
    from rich.table import Table

    faults = import_extra("tumorlens.lab.audit", extra="lab").FAULTS
    table = Table("fault", "pictures", "the first", title="Faults of single pictures")
    for fault in faults:
        if files := found.faulty(fault):
            table.add_row(fault, str(len(files)), _name(files[0].entry.path))
    return table


def _twins(found: "Audit") -> "Table":
    from rich.table import Table

    relations = import_extra("tumorlens.lab.audit", extra="lab").RELATIONS
    table = Table("twins in", "pairs", "identical files", "meaning", title="The same picture twice")
    for relation, meaning in relations.items():
        if pairs := [pair for pair in found.twins if found.relation(pair) == relation]:
            identical = sum(pair.identical for pair in pairs)
            table.add_row(relation, str(len(pairs)), str(identical), meaning)
    if conflicts := found.clusters_of(labels=True):
        pictures = sum(map(len, conflicts))
        table.caption = f"{pictures} pictures whose twins carry another label"
    return table


def _carried(found: "Audit") -> "Table":
    from rich.table import Table

    table = Table("one set", "the other", "groups in both", "pictures of the one", "of the other")
    table.title = "Patients and clusters carried from one set to another"
    for one in found.carried():
        shares = [f"{n} of {of}" for n, of in zip(one.pictures, one.totals, strict=True)]
        table.add_row(one.first, one.second, str(one.groups), *shares)
    return table


def _name(path: Path) -> str:
    from tumorlens.reporting.wording import printable

    return printable(path.as_posix())
