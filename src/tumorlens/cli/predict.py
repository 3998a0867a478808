"""``tumorlens predict``: answer scans, folders of scans and volumes."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tumorlens.cli.exits import REFUSED
from tumorlens.cli.precision import ChosenPrecision, Precision
from tumorlens.cli.skull_stripping import SkullStrip
from tumorlens.cli.tta import WithTta


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
    model: Annotated[
        Path | None,
        typer.Option(
            "--model", "-m", metavar="DIR", help="A model folder; the bundled model if left out."
        ),
    ] = None,
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

    Exit status: 0 all answered, 1 some inputs refused, 2 wrong usage.

    For example:

    tumorlens predict scan.jpg

    tumorlens predict patient/ volume.nii.gz --output report

    tumorlens predict scans/ --format jsonl > answers.jsonl

    tumorlens predict archive/ --engine ray --output answers
    """
    if engine is Engine.RAY:
        unfit = {
            "--format": output_format is not OutputFormat.TABLE,
            "--target": target is not None,
            "--no-explain": no_explain,
            "--tta": tta,
            "--dicom": dicom,
        }
        tables = _folder_of_tables(output, [name for name in unfit if unfit[name]])
        from tumorlens.cli.bulk import answer_in_bulk

        if answer_in_bulk(
            paths,
            tables,
            model=model,
            precision=precision.value,
            skull_strip=skull_strip,
            address=address,
        ):
            raise typer.Exit(REFUSED)
        return
    if address is not None:
        raise typer.BadParameter("needs --engine ray", param_hint="--address")
    if target is not None and (output is None or no_explain):
        raise typer.BadParameter("needs heatmaps: --output DIR", param_hint="--target")
    if dicom and output is None:
        raise typer.BadParameter("needs a folder: --output DIR", param_hint="--dicom")
    from tumorlens.cli.answering import Wish, answer_paths

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
    if answer_paths(paths, wish):
        raise typer.Exit(REFUSED)


def _folder_of_tables(output: Path | None, unfit: list[str]) -> Path:
    """What --engine ray writes into: tables only, so that it has no use for options ``unfit``."""
    if output is None:
        raise typer.BadParameter("--engine ray needs it", param_hint="--output")
    if unfit:
        raise typer.BadParameter(
            "--engine ray writes Parquet tables only, and goes without this",
            param_hint=", ".join(unfit),
        )
    return output
