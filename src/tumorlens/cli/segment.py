"""``tumorlens segment``: outline the tumor in scans, volumes and BraTS-style cases."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tumorlens.cli.exits import REFUSED, say
from tumorlens.cli.precision import ChosenPrecision, Precision
from tumorlens.cli.skull_stripping import SkullStrip, choose
from tumorlens.extras import import_extra

if TYPE_CHECKING:
    from rich.table import Table


def segment(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="Scans, volumes, cases, and folders of them."),
    ],
    *,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="DIR", help="Folder for the masks; made if absent."),
    ],
    model: Annotated[
        Path | None,
        typer.Option(
            "--model", "-m", metavar="DIR", help="A model folder; the bundled model if left out."
        ),
    ] = None,
    precision: ChosenPrecision = Precision.FLOAT32,
    skull_strip: SkullStrip = None,
    dicom: Annotated[
        bool,
        typer.Option(
            "--dicom",
            help="Write DICOM too: the outline as a Segmentation, the answer as a structured "
            "report, both with the patient's elements of the source.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
) -> None:
    """Outline the tumor.

    A picture gives DIR/<stem>.mask.png (0 or 255, of its own size), a volume or a case (a folder
    with t1, t1c, t2 and flair volumes) DIR/<name>_seg.nii.gz (0 or 1, on its own grid), and all of
    them DIR/segments.json with areas, volumes, diameters and places. With --dicom, a DICOM file or
    series gives DIR/<name>_seg.dcm and DIR/<name>_sr.dcm besides, tied to the source series.

    Exit status: 0 all outlined, 1 some inputs refused, 2 wrong usage.

    Example: tumorlens segment scans/ BraTS2021_00006/ --output outlines
    """
    import json

    from tumorlens.cli.console import out
    from tumorlens.cli.progress import follow
    from tumorlens.model import load_model
    from tumorlens.notice import NOTICE
    from tumorlens.reporting.segments import find_inputs, write_segments

    loaded = choose(load_model(model, precision=precision.value), skull_strip)
    inputs, refused = find_inputs(paths)
    writer = None
    if dicom:
        objects = import_extra("tumorlens.reporting.dicom_folder", extra="dicom")
        objects.check_dicom(inputs)
        writer = objects.write_objects
    results = write_segments(inputs, output, model=loaded, refused=refused, dicom=writer)
    records = list(follow(results, len(inputs) + len(refused)))
    failed = [record for record in records if "error" in record]
    if as_json:
        typer.echo(json.dumps(records, indent=2))
    else:
        out().print(_table(records))
        say(NOTICE)
    for record in failed:
        error = record["error"]
        say(
            f"{record['source']}: expected {error['expected']}; found {error['found']}. "
            f"{error['remedy']}"
        )
    say(f"outlines: {output}")
    if failed:
        raise typer.Exit(REFUSED)


def _table(records: list[dict[str, Any]]) -> "Table":
    from rich.table import Table

    table = Table("scan", "answer", "tumor", "of the head", "area", "diameter", "volume", "place")
    for record in records:
        if "error" in record:
            table.add_row(record["source"], "refused", *[""] * 6)
            continue
        table.add_row(
            record["source"],
            record["label"],
            f"{record['tumor_probability']:.1%}",
            _figure(record.get("area_percent"), "%"),
            _figure(record.get("area_mm2"), "mm²"),
            _figure(record.get("diameter_mm"), "mm"),
            _figure(record.get("volume_ml"), "ml"),
            _where(record),
        )
    return table


def _figure(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:.1f} {unit}"


def _where(record: dict[str, Any]) -> str:
    if not record.get("side"):
        return "-"
    where = f"{record['height']} {record['side']}"
    largest = record.get("largest_slice")
    return where if largest is None else f"{where}, slice {largest}"
