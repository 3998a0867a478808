"""``tumorlens augment``: what the network is shown in training."""

from pathlib import Path
from typing import Annotated

import typer

from tumorlens.cli.exits import plainly
from tumorlens.extras import import_extra

augmenting = typer.Typer(no_args_is_help=True, help="See what augmentation does to pictures.")


@augmenting.callback()
def _group() -> None:
    """See what augmentation does to pictures."""


@augmenting.command()
@plainly
def preview(
    config: Annotated[Path, typer.Argument(help="TOML file with the run's settings.")],
    *,
    data: Annotated[Path, typer.Option(help="A data set's folder, or one that holds several.")],
    output: Annotated[Path, typer.Option(help="The picture (PNG).")] = Path("augmented.png"),
    pictures: Annotated[int, typer.Option(min=1, max=32, help="How many, one a row.")] = 6,
    samples: Annotated[int, typer.Option(min=1, max=32, help="Of each picture.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice and of the changes.")] = 0,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Override a setting: --set augmentation.motion=1 (repeatable)."),
    ] = None,
) -> None:
    """Draw a grid: a picture as prepared, then samples of it as the network sees them.

    Example: tumorlens augment preview configs/default.toml --data ~/data --output grid.png
    """
    config_module = import_extra("tumorlens.lab.config", extra="lab")
    preview_module = import_extra("tumorlens.lab.preview", extra="lab")
    chosen = config_module.read_config(config, overrides=settings or [])
    shown = preview_module.draw_preview(
        chosen, data, output, pictures=pictures, samples=samples, seed=seed
    )
    typer.echo(f"{output}: {samples} samples of each of {shown} pictures")
