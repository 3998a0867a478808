"""``tumorlens import-bundle``: a downloaded MONAI bundle in, a model folder out."""

from pathlib import Path
from typing import Annotated

import typer

from tumorlens.extras import import_extra


def import_bundle(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="The bundle's folder.")],
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="MODEL", help="The model folder to write.")
    ],
    patch: Annotated[
        tuple[int, int, int] | None,
        typer.Option(
            help="Voxels of the exported graph's input: smaller ones need less memory.  "
            "[default: the bundle's roi_size]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Convert a MONAI bundle that outlines the tumor's regions, such as brats_mri_segmentation.

    Nothing in the bundle is run. `tumorlens segment CASE --model MODEL` then needs neither MONAI
    nor PyTorch.

    Example: tumorlens import-bundle brats_mri_segmentation --output brats --patch 128 128 128
    """
    from tumorlens.reporting.folder import check_writable

    check_writable(output)
    lab = import_extra("tumorlens.lab.volumes.bundle", extra="brats")
    card = lab.import_bundle(bundle, output, patch=patch).card
    typer.echo(
        f"{output}: {card.network}, sequences {', '.join(card.sequences)}, regions "
        f"{', '.join(card.regions)}, patch {' x '.join(map(str, card.patch))}"
    )
