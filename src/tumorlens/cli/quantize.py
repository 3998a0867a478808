"""``tumorlens quantize``: a quicker 8-bit graph beside a model's own, and how much it loses."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tumorlens.cli.exits import say
from tumorlens.extras import import_extra

if TYPE_CHECKING:
    from tumorlens.card import Card
    from tumorlens.lab.datasets import Example


def quantize(
    model: Annotated[Path, typer.Argument(help="The model folder.")],
    *,
    data: Annotated[Path, typer.Option(help="The data that the model was trained with.")],
    split: Annotated[Path, typer.Option(help="split.csv of its run.")],
    pictures: Annotated[
        int, typer.Option(min=1, help="Training pictures to take the activations' ranges from.")
    ] = 320,
    output: Annotated[
        Path | None,
        typer.Option(help="Write into a copy of the model folder.  [default: into itself]"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make the graph that `--precision int8` answers with.

    Weights and activations become 8-bit integers, calibrated on training patients. The folder
    gets model.int8.onnx, and its card how both graphs do on validation patients.

    Example: tumorlens quantize runs/mine/model --data ~/data --split runs/mine/split.csv
    """
    from tumorlens.reporting.folder import check_writable

    quantization = import_extra("tumorlens.lab.quantization", extra="lab")
    parts_of = import_extra("tumorlens.lab.evaluation.parts", extra="lab")
    seen = import_extra("tumorlens.lab.seen", extra="lab")
    folder = output or model
    check_writable(folder)
    parts = parts_of.read_parts(data, split=split, part="validation")
    if run := seen.own_run(model, split):
        seen.refuse_seen(run, [*parts.evaluated, *parts.training], len(parts.evaluated))
    chosen = quantization.spread(parts.training, pictures)
    card = _quantize(model, folder, chosen, parts.evaluated)
    _tell(folder, card, as_json=as_json, most=quantization.MOST_POINTS_LOST)


def _quantize(
    model: Path, folder: Path, training: "Sequence[Example]", validation: "Sequence[Example]"
) -> "Card":
    """Calibrate on pictures, measure on others, and write the folder; its new card."""
    from tumorlens.card import read_card
    from tumorlens.cli.progress import bars, steps

    quantization = import_extra("tumorlens.lab.quantization", extra="lab")
    growing = import_extra("tumorlens.lab.growing_model", extra="lab")
    loading = import_extra("tumorlens.lab.pictures", extra="lab")
    with bars(transient=True) as progress:
        follow = steps(progress)
        loaded = loading.load_pictures(
            [*training, *validation],
            read_card(model).preparation,
            progress=partial(follow, "reading pictures"),
        )
        count = len(training) - len(set(training) & set(loaded.blank))
        with growing.growing_model(folder, copied=model) as aside:
            card: Card = quantization.quantize_model(
                aside,
                loaded.pixels[:count],
                loaded.examples[count:],
                loaded.pixels[count:],
                progress=partial(follow, "measuring"),
            )
    return card


def _tell(folder: Path, card: "Card", *, as_json: bool, most: float) -> None:
    assert card.int8 is not None
    found: dict[str, Any] = dict(card.int8.measured)
    if as_json:
        typer.echo(json.dumps({"sha256": card.int8.sha256, **found}, indent=2))
    else:
        size = {name: f"{count / 1e6:.1f} MB" for name, count in found["bytes"].items()}
        for name in ("float32", "int8"):
            typer.echo(f"{name}: accuracy {found['accuracy'][name]:.4f}, {size[name]}")
        typer.echo(
            f"lost: {found['points_lost']:.2f} points on {found['pictures']} validation pictures "
            f"of {found['groups']} groups; {found['same_answer']:.1%} get the same answer"
        )
        typer.echo(f"use it: tumorlens predict SCAN --model {folder} --precision int8")
    if found["points_lost"] > most:
        say(f"warning: more than {most} points lost; stay with float32, or calibrate on more")
