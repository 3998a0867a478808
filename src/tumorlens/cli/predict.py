"""``tumorlens predict``: answer scans, folders of scans and volumes."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tumorlens.cli.exits import REFUSED
from tumorlens.cli.model_folder import ModelFolder
from tumorlens.cli.precision import ChosenPrecision, Precision
from tumorlens.cli.skull_stripping import SkullStrip
from tumorlens.cli.tta import WithTta

if TYPE_CHECKING:
    from tumorlens.cli.answering import Wish


class OutputFormat(StrEnum):
    """What is written to standard output."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


class Engine(StrEnum):
    """What answers."""

    PLAIN = "plain"
    RAY = "ray"


def predict(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="Scans, volumes, and folders of them."),
    ],
    *,
    output_format: Annotated[
        OutputFormat,
        typer.Option("--format", "-f", help="What to write to standard output."),
    ] = OutputFormat.TABLE,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Write a report with heatmaps into this folder: index.html, answers.json, "
            "answers.csv, overlays/.",
        ),
    ] = None,
    model: ModelFolder = None,
    precision: ChosenPrecision = Precision.FLOAT32,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="CLASS",
            help="The class the heatmaps explain; the predicted one if left out.",
        ),
    ] = None,
    no_explain: Annotated[
        bool, typer.Option("--no-explain", help="Write the report without heatmaps.")
    ] = False,
    engine: Annotated[
        Engine,
        typer.Option(
            help="plain: this process. ray: many, for archives; writes Parquet tables into "
            "--output (answers/, refused/), no report, and goes on where it was stopped.",
        ),
    ] = Engine.PLAIN,
    address: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="A running Ray cluster; if left out, --engine ray starts one on this machine.",
        ),
    ] = None,
    skull_strip: SkullStrip = None,
    tta: WithTta = False,
    dicom: Annotated[
        bool,
        typer.Option(
            "--dicom",
            help="Write each answer as a DICOM structured report too, with the patient's elements "
            "of the source: DIR/dicom/<name>_sr.dcm.",
        ),
    ] = False,
) -> None:
    """Tell which tumor scans show, if any.

    Reads JPEG, PNG, TIFF, BMP, WebP, NIfTI and DICOM, told by content.
    Folders are searched with their subfolders.
    Heatmaps are only drawn with --output.
    Slices of a volume are counted from 0 everywhere: axial ones from the feet up, coronal ones from
    the back, sagittal ones from the patient's left.

    Exit status: 0 all answered, 1 some inputs refused, 2 wrong usage.

    For example:

    tumorlens predict scan.jpg

    tumorlens predict patient/ volume.nii.gz --output report

    tumorlens predict scans/ --format jsonl > answers.jsonl

    tumorlens predict archive/ --engine ray --output answers
    """
    from tumorlens.cli.answering import Wish

    wish = Wish(
        output_format=output_format.value,
        output=output,
        model=model,
        target=target,
        explained=not no_explain,
        precision=precision.value,
        dicom=dicom,
        skull_strip=skull_strip,
        tta=tta,
    )
    answer = _answer_by_ray if engine is Engine.RAY else _answer_here
    if answer(paths, wish, address):
        raise typer.Exit(REFUSED)


def _answer_here(paths: list[str], wish: "Wish", address: str | None) -> bool:
    """Answer in this process; whether any input was refused."""
    if address is not None:
        raise typer.BadParameter("needs --engine ray", param_hint="--address")
    if wish.target is not None and (wish.output is None or not wish.explained):
        raise typer.BadParameter("needs heatmaps: --output DIR", param_hint="--target")
    if wish.dicom and wish.output is None:
        raise typer.BadParameter("needs a folder: --output DIR", param_hint="--dicom")
    from tumorlens.cli.answering import answer_paths

    return answer_paths(paths, wish) > 0


def _answer_by_ray(paths: list[str], wish: "Wish", address: str | None) -> bool:
    """Answer on Ray, which writes tables only and has no use for some of the options."""
    if wish.output is None:
        raise typer.BadParameter("--engine ray needs it", param_hint="--output")
    unfit = {
        "--format": wish.output_format != OutputFormat.TABLE,
        "--target": wish.target is not None,
        "--no-explain": not wish.explained,
        "--tta": wish.tta,
        "--dicom": wish.dicom,
    }
    if any(unfit.values()):
        raise typer.BadParameter(
            "--engine ray writes Parquet tables only, and goes without this",
            param_hint=", ".join(name for name in unfit if unfit[name]),
        )
    from tumorlens.cli.bulk import answer_in_bulk

    return answer_in_bulk(
        paths,
        wish.output,
        model=wish.model,
        precision=wish.precision,
        skull_strip=wish.skull_strip,
        address=address,
    )
