"""``tumorlens ensemble``: several finished runs in, one model folder out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tumorlens.cli.exits import say
from tumorlens.extras import import_extra

if TYPE_CHECKING:
    from tumorlens.card import Card


def ensemble(
    runs: Annotated[list[Path], typer.Argument(help="Run folders of `tumorlens train`.")],
    *,
    output: Annotated[Path, typer.Option(help="The model folder to write.")],
    method: Annotated[
        str,
        typer.Option(
            help="vote (given shares), fitted (shares fitted on validation pictures), stacking "
            "(a linear layer learnt on them) or average (the mean of the weights)."
        ),
    ] = "vote",
    share: Annotated[
        list[float] | None,
        typer.Option(help="Of each member in a vote, in order (repeatable).  [default: alike]"),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="The data of the runs: for fitted and stacking, and for the input gate, the sets "
            "of classes and the calibration of the whole, which has none of them without."
        ),
    ] = None,
    others: Annotated[
        Path | None,
        typer.Option(
            help="Folders of what is no brain MRI, by kind, for the input gate; natural.objects is "
            "more of natural."
        ),
    ] = None,
    scores: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the scores on the validation pictures, each answered by members "
            "joined without it and its like: fair also after fitted and stacking."
        ),
    ] = None,
    snapshots: Annotated[
        bool,
        typer.Option("--snapshots", help="Join the snapshots of the runs' training.cycles."),
    ] = False,
) -> None:
    """Join several models into one that predicts and explains like any other.

    Example: tumorlens ensemble runs/a runs/b --method fitted --data ~/data --output models/both
    """
    from tumorlens.cli.progress import bars
    from tumorlens.reporting.folder import check_writable

    for folder in (output, scores) if scores else (output,):
        check_writable(folder)
    joining = import_extra("tumorlens.lab.joining", extra="lab")
    with bars(transient=True) as progress:
        reading = progress.add_task("reading pictures", total=None, visible=data is not None)
        fitting = progress.add_task("fitting the input gate", total=None, visible=False)

        def on_confidence(done: int, total: int) -> None:
            progress.update(fitting, completed=done, total=total, visible=True)

        model = joining.join_runs(
            runs,
            output,
            method=method,
            shares=share or (),
            data=data,
            others=others,
            snapshots=snapshots,
            scores=scores,
            progress=lambda done, total: progress.update(reading, completed=done, total=total),
            on_confidence=on_confidence,
            on_unsure=say,
        )
    _tell(output, model.card)
    if model.gate is None:
        say(f"warning: {joining.NOT_FITTED} Give --data.")


def _tell(folder: Path, card: "Card") -> None:
    members = card.training["members"]
    typer.echo(f"{folder}: {card.network}, {len(members)} members")
    for member in members:
        given = f", share {member['share']:.3f}" if "share" in member else ""
        typer.echo(f"  {member['name']} {member['version']} ({member['network']}{given})")
