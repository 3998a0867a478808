"""``tumorlens networks``: which networks can be trained."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from tumorlens.cli.exits import plainly

if TYPE_CHECKING:
    from tumorlens.lab.catalogue import About

networks = typer.Typer(no_args_is_help=True, help="List the networks that can be trained.")

_COLUMNS = ("family", "parameters", "stages", "stride", "outlines", "ImageNet weights", "paper")


@networks.callback()
def _group() -> None:
    """List the networks that can be trained."""


@networks.command(name="list")
@plainly
def list_networks(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """List the networks, their sizes, and where their first weights come from.

    Example: tumorlens networks list
    """
    from tumorlens.lab.catalogue import CATALOGUE

    if as_json:
        told = {name: about.to_json() for name, about in CATALOGUE.items()}
        typer.echo(json.dumps(told, indent=2))
    else:
        _print(CATALOGUE)


def _print(known: "Mapping[str, About]") -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from tumorlens.cli.console import out

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("name", no_wrap=True, style="bold")
    for column in _COLUMNS:
        is_number = column in ("parameters", "stages", "stride")
        table.add_column(column, overflow="fold", justify="right" if is_number else "left")
    for name, about in known.items():
        cells = (
            name,
            about.family,
            f"{about.parameters:,}",
            str(about.stages),
            str(about.stride),
            "yes" if about.outlines else "no",
            ", ".join((*about.weights, "a file")) if about.weights else "none: starts untrained",
            about.paper or "-",
        )
        table.add_row(*map(Text, cells))
    out().print(table)
    typer.echo()
    typer.echo('Name one in a config: [network] name = "resnet50", weights = "imagenet".')
