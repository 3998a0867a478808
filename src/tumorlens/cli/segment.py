"""``tumorlens segment``: outline the tumor in scans, volumes and BraTS-style cases."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tumorlens.cli.exits import REFUSED, say
from tumorlens.cli.model_folder import ModelFolder
from tumorlens.cli.passed_over import tell_other_volumes, tell_passed_over
from tumorlens.cli.precision import ChosenPrecision, Precision
from tumorlens.cli.segment_volumes import segment_volumes, volumes_table
from tumorlens.cli.skull_stripping import SkullStrip, choose
from tumorlens.cli.unfit_options import refuse_options
from tumorlens.extras import import_extra
from tumorlens.reporting.wording import PICTURE_SIDES, SLICE_NUMBERS, percent, printable

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
    model: ModelFolder = None,
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
    flips: Annotated[
        bool | None,
        typer.Option(
            "--flips/--no-flips",
            help="With a model for volumes: average over mirrored copies, eight times as slow.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
) -> None:
    """Outline the tumor.

    A picture gives DIR/<stem>.mask.png (0 or 255, of its own size), a volume or a case (a folder
    with volumes of a head named after flair, t1c, t1 and t2) DIR/<name>_seg.nii.gz (0 or 1, on its
    own grid), and all of them DIR/segments.json with areas, volumes, diameters and places. Whole
    tumors of cases with FLAIR, and of FLAIR volumes and series by themselves, are outlined by a
    second bundled model, from FLAIR and T1 with contrast, where there is one, at once, and drawn in
    DIR/<name>_planes.png (not with --model). With --dicom, a DICOM file or
    series gives DIR/<name>_seg.dcm and DIR/<name>_sr.dcm besides, tied to the source series.

    largest_slice, the slice of a volume with the largest outline, is counted from 0: axial ones
    from the feet up, coronal ones from the back, sagittal ones from the patient's left. side and
    height are those in the picture: where the file tells its orientation, left in axial and coronal
    slices is the patient's right.

    Only files that DIR/segments.json names are written over: what it tells of other scans, outlined
    there by earlier runs, stays in it.

    With a model that was trained on whole heads (configs/brats_*.toml, or an imported MONAI
    bundle), a case gives DIR/<name>_seg.nii.gz with the labels of BraTS (0, 1, 2, 4), a picture of
    three planes, the volumes of whole tumor, core and enhancing tumor in ml, and DIR/index.html
    with surfaces that can be turned.

    Exit status: 0 all outlined, 1 some inputs refused, 2 wrong usage.

    Example: tumorlens segment scans/ BraTS2021_00006/ --output outlines
    """
    from tumorlens.card import OUTLINE_VOLUME, kind_of
    from tumorlens.reporting.folder import check_writable

    check_writable(output)
    if model is not None and kind_of(model) == OUTLINE_VOLUME:
        reduced = precision is not Precision.FLOAT32
        others = {"--precision": reduced, "--dicom": dicom}
        refuse_options(others, kind=OUTLINE_VOLUME)
        records = segment_volumes(paths, output, model, flips=flips, skull_strip=skull_strip)
        _tell(records, None if as_json else volumes_table(records), output)
        return
    refuse_options({"--flips": flips is not None}, kind="classify")
    records = _segment_slices(
        paths, output, model, precision=precision, skull_strip=skull_strip, dicom=dicom
    )
    _tell(records, None if as_json else _table(records), output)


def _segment_slices(
    paths: list[str],
    output: Path,
    model: Path | None,
    *,
    precision: Precision,
    skull_strip: SkullStrip,
    dicom: bool,
) -> list[dict[str, Any]]:
    """Outline by a classifier and its companion; the records, also of those refused."""
    from tumorlens.cli.progress import follow
    from tumorlens.model import load_model
    from tumorlens.reporting.outline_inputs import find_inputs
    from tumorlens.reporting.segments import write_segments

    loaded = choose(load_model(model, precision=precision.value), skull_strip)
    found = find_inputs(paths, output=output)
    tell_passed_over(found.passed_over)
    tell_other_volumes(found.inputs)
    writer = None
    if dicom:
        objects = import_extra("tumorlens.reporting.dicom_folder", extra="dicom")
        objects.check_dicom(found.inputs)
        writer = objects.write_objects
    results = write_segments(
        found.inputs, output, model=loaded, refused=found.refused, dicom=writer
    )
    return list(follow(results, len(found.inputs) + len(found.refused)))


def _tell(records: list[dict[str, Any]], table: "Table | None", output: Path) -> None:
    """Print the records, as a table or as JSON, and what was refused; ends with its status."""
    import json

    from tumorlens.cli.console import out
    from tumorlens.notice import NOTICE

    failed = [record for record in records if "error" in record]
    if table is None:
        typer.echo(json.dumps(records, indent=2))
    else:
        out().print(table)
        if any(record.get("largest_slice") is not None for record in records):
            say(SLICE_NUMBERS)
        if any(record.get("side") for record in records):
            say(PICTURE_SIDES)
        for record in records:
            for note in record.get("notes") or ():
                say(f"{printable(record['source'])}: {printable(note)}")
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

    measures = ("of the head", "area", "diameter", "volume", "in the picture")
    table = Table("scan", "answer", "tumor", *measures)
    for record in records:
        if "error" in record:
            table.add_row(printable(record["source"]), "refused", *[""] * 6)
            continue
        table.add_row(
            printable(record["source"]),
            record["label"] if record["accepted"] else "not accepted",
            percent(record["tumor_probability"]),
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
