"""The command line: one command a verb.

To add a verb, write a function with Typer's annotations in a module of its own and name it in
``VERBS``; a group of verbs is a `typer.Typer` of its own, added as ``datasets`` is. What is slow
to import is imported inside the function: only here is that allowed.
"""

import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from tumorlens.cli.audit import audit
from tumorlens.cli.augment import augmenting
from tumorlens.cli.datasets import datasets
from tumorlens.cli.ensemble import ensemble
from tumorlens.cli.evaluate import evaluate
from tumorlens.cli.exits import INTERRUPTED, plainly
from tumorlens.cli.import_bundle import import_bundle
from tumorlens.cli.networks import networks
from tumorlens.cli.predict import predict
from tumorlens.cli.quantize import quantize
from tumorlens.cli.segment import segment
from tumorlens.cli.sequence import sequence
from tumorlens.cli.serve import serve
from tumorlens.cli.train import train
from tumorlens.cli.tune import tune
from tumorlens.cli.ui import ui

VERBS: tuple[Callable[..., None], ...] = (
    predict,
    segment,
    train,
    tune,
    ensemble,
    sequence,
    evaluate,
    quantize,
    import_bundle,
    audit,
    serve,
    ui,
)
"""The commands, in the order of ``tumorlens --help``."""

app = typer.Typer(
    name="tumorlens",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Rich takes [brackets] in help texts and file names for markup, and swallows them.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: tumorlens predict scan.jpg --output report",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from tumorlens import __version__

        typer.echo(f"tumorlens {__version__}")
        raise typer.Exit


@app.callback()
def tumorlens(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Detect and classify brain tumors in MRI, and show where the model looked.

    Research software, not a medical device.
    """


for _verb in VERBS:
    app.command()(plainly(_verb))
app.add_typer(datasets, name="datasets")
app.add_typer(networks, name="networks")
app.add_typer(augmenting, name="augment")


def _open_closed_streams() -> None:
    """Where a shell closed standard output or error (``>&-``), what goes there is thrown away."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115


def main() -> None:
    """Run the command line and exit.

    Exit status: 0 all is done, 1 some inputs were refused, 2 wrong usage, 130 interrupted.
    """
    # Imports make many objects and no garbage: searching for some is a tenth of the start.
    gc.set_threshold(100_000)
    _open_closed_streams()
    try:
        app()
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
