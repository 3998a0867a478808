"""``tumorlens sequence``: a finished model in, the same model with a network over slices out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from tumorlens.cli.seen_data import warn_of_seen_pictures
from tumorlens.extras import import_extra


def sequence(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model folder.")],
    *,
    data: Annotated[Path, typer.Option(help="Folder of the data sets it was trained on.")],
    split: Annotated[Path, typer.Option(help="split.csv of its run.")],
    output: Annotated[
        Path | None, typer.Option(help="Write a copy here.  [default: MODEL itself]")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="At most.")] = 40,
    views: Annotated[
        int,
        typer.Option(
            min=0,
            help="Augmented views of each training head beside it; each takes as long as the head.",
        ),
    ] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of everything drawn.")] = 0,
) -> None:
    """Judge the slices of a volume together: train a small LSTM on a finished classifier.

    It learns from whole heads (lgg, BraTS) by the split of the model's own run, is measured
    against the same classifier without it on patients that chose nothing of it, and is written
    beside model.onnx. `tumorlens predict` then uses it for volumes. Takes some minutes.

    Example: tumorlens sequence runs/mine/model --data ~/data --split runs/mine/split.csv
    """
    from tumorlens.cli.progress import bars, steps
    from tumorlens.reporting.folder import check_writable

    lab = import_extra("tumorlens.lab.slice_sequence", extra="lab")
    check_writable(output or model)
    settings = lab.SequenceSettings(epochs=epochs, views=views, seed=seed)
    with bars(transient=True) as progress:
        card = lab.build_sequence(
            model,
            data=data,
            split=split,
            output=output,
            settings=settings,
            follow=steps(progress),
        )
    _print(output or model, card.sequence.training, card.sequence.measured)


def _print(folder: Path, training: Mapping[str, Any], measured: Mapping[str, Any]) -> None:
    heads = training["heads"]
    typer.echo(
        f"{folder}: trained on {heads['training']} heads to epoch {training['epoch']}, "
        f"validated on {heads['validation']}"
    )
    warn_of_seen_pictures(measured.get("seen"), whose="the model's", what="slices")
    if "slices" not in measured:
        typer.echo("too few validation patients to measure it")
        return
    for what in ("slices", "heads"):
        found = measured[what]
        ways = ("sequence", "with_neighbours", "slice_by_slice")
        for rows in zip(*(found[way] for way in ways), strict=True):
            typer.echo(f"{what} of {rows[0]['source']} {rows[0]['sequence']}:")
            for name in ("sensitivity", "specificity", "auc", "specificity_at_90"):
                figures = (
                    f"{way.replace('_', ' ')} {_figure(row, name)}"
                    for way, row in zip(ways, rows, strict=True)
                )
                typer.echo(f"  {name}: {', '.join(figures)}")
        for name, one in found["difference"].items():
            for score, values in one["differences"].items():
                typer.echo(
                    f"{what} of {name}: difference in {score} to averaged neighbours "
                    f"{values['difference']:+.3f} "
                    f"{_interval(values['interval'])}"
                )


def _figure(row: Mapping[str, Any], name: str) -> str:
    value = row[name]
    return "-" if value is None else f"{value:.3f} {_interval(row['intervals'][name])}".strip()


def _interval(ends: Any) -> str:
    return f"({ends[0]:.3f} to {ends[1]:.3f})" if ends else ""
