"""``tumorlens datasets``: which public data sets are known, and how to get them."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tumorlens.cli.exits import plainly
from tumorlens.extras import import_extra

if TYPE_CHECKING:
    from tumorlens.lab.datasets.example import About

datasets = typer.Typer(no_args_is_help=True, help="List the public data sets, and get them.")


@datasets.command(name="list")
@plainly
def list_datasets(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """List the data sets that can be read, and how a folder of each is recognised.

    Example: tumorlens datasets list --json
    """
    table = import_extra("tumorlens.lab.datasets", extra="lab").DATASETS
    known = {name: entry.about for name, entry in table.items()}
    if as_json:
        typer.echo(json.dumps({name: about.to_json() for name, about in known.items()}, indent=2))
    else:
        _print(known)


@datasets.command(name="get")
@plainly
def get_dataset(
    name: Annotated[str, typer.Argument(help="A name of `tumorlens datasets list`.")],
    *,
    output: Annotated[
        Path, typer.Option(help="Where the data set's folder is made, under its name.")
    ] = Path("data"),
) -> None:
    """Download a data set from Kaggle, and check that it is whole.

    Example: tumorlens datasets get sartaj --output ~/data
    """
    import_extra("tumorlens.lab.datasets.kaggle", extra="lab").kaggle_handle(name)
    downloading = import_extra("tumorlens.lab.datasets.downloading", extra="data")
    folder = output / name
    examples = downloading.download(name, folder)
    labels = Counter(example.label for example in examples)
    counts = ", ".join(f"{count:,} {label}" for label, count in sorted(labels.items()))
    typer.echo(f"{folder}: {len(examples):,} examples ({counts})")


def _print(known: Mapping[str, "About"]) -> None:
    """Two tables: what the data sets are, and where they are and how they are recognised."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from tumorlens.cli.console import out

    what = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    where = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    what.add_column("name", no_wrap=True, style="bold")
    where.add_column("name", no_wrap=True, style="bold")
    for column in ("what", "count", "labels", "patients known", "licence"):
        what.add_column(column, overflow="fold")
    for column in ("recognised by", "address"):
        where.add_column(column, overflow="fold")
    for name, about in known.items():
        patients = "yes" if about.patients else "no"
        content = f"{about.title}: {about.content}"
        cells = (name, content, about.count, about.labels, patients, about.licence)
        what.add_row(*map(Text, cells))
        where.add_row(*map(Text, (name, about.recognised_by, about.address or "-")))
    for table in (what, where):
        out().print(table)
        typer.echo()
    typer.echo("tumorlens datasets get NAME downloads those on kaggle.com.")
