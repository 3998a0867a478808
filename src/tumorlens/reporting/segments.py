"""Inputs -> outlines in a folder: a mask a scan, a label map a volume or case, and a record."""

import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow

from tumorlens.errors import ConfigError, ScanError
from tumorlens.model import Model
from tumorlens.outlining import (
    Outline,
    VolumeOutline,
    outline,
    outline_volume,
)
from tumorlens.prediction import Prediction, VolumePrediction, predict
from tumorlens.reading import Source, find_sources, read_source
from tumorlens.reading.case import Case, find_case, is_label_map
from tumorlens.reading.nifti import is_nifti
from tumorlens.reporting.folder import FileNames, PartialFile, write_bytes, writing
from tumorlens.reporting.label_map import write_label_map
from tumorlens.reporting.whole_tumor import write_case
from tumorlens.scan import Scan, Volume
from tumorlens.volume_outlining import VolumeModel

RECORD = "segments.json"

Record = dict[str, Any]
Input = Source | Case
DicomWriter = Callable[
    [Source, Prediction | VolumePrediction, Outline | VolumeOutline, Path], list[Path]
]
"""Writes the DICOM objects of one outline, of names that begin with the path; returns theirs."""


def find_inputs(paths: Sequence[str]) -> tuple[list[Input], list[ScanError]]:
    """What there is to outline: cases, and every other scan, volume and series.

    Returns:
        The inputs in order, and the errors of cases that cannot be used.
    """
    inputs: list[Input] = []
    errors: list[ScanError] = []
    for given in paths:
        folders = _folders(Path(given))
        taken: list[Path] = []
        for folder in folders:
            try:
                case = find_case(folder)
            except ScanError as error:
                errors.append(error)
                taken.append(folder)
                continue
            if case:
                inputs.append(case)
                taken.append(folder)
        inputs += [
            source
            for source in find_sources(given).sources
            if not _lies_in(source, taken) and not (folders and _is_label_map(source))
        ]
    return inputs, errors


def check_apart(inputs: Iterable[Input], folder: Path) -> None:
    """Keep a case's own outline (``<case>_seg.nii.gz``) from being written over.

    Raises:
        ConfigError: The folder is that of a case.
    """
    for one in inputs:
        if not isinstance(one, Case):
            continue
        own = next(iter(one.files.values())).parent
        if own.resolve() == folder.expanduser().resolve():
            raise ConfigError(
                expected="a folder apart from the cases",
                found="the folder of one of them, whose files might be written over",
                remedy="Choose another folder.",
                source=str(folder),
            )


def write_segments(
    inputs: Iterable[Input],
    folder: Path,
    *,
    model: Model,
    refused: Sequence[ScanError] = (),
    whole: VolumeModel | None = None,
    dicom: DicomWriter | None = None,
) -> Iterator[Record]:
    """Outline every input and write masks and ``segments.json`` into a folder.

    Args:
        inputs: From `find_inputs`.
        folder: Made if absent. A picture gives ``<stem>.mask.png`` (0 or 255, of its own size), a
            volume or case ``<name>_seg.nii.gz`` (0 or 1, on its own grid).
        model: One that outlines.
        whole: A model for whole heads, which outlines cases; None to outline them slice by slice.
        refused: Errors to record beside.
        dicom: Writes DICOM objects besides, for inputs that are DICOM; an input for which it
            raises a `ScanError` is refused.

    Yields:
        Each input's record, or the error of one that was refused; the others go on.

    Raises:
        ConfigError: The model does not outline, the folder is that of a case, or it cannot be
            written to.
    """
    inputs, models = list(inputs), (model, whole)
    check_apart(inputs, folder)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    names = FileNames()
    records: list[Record] = [_refusal(error) for error in refused]
    yield from records
    for one in inputs:
        try:
            record = _segment(one, folder, names, models, dicom)
        except ScanError as error:
            record = _refusal(error)
        records.append(record)
        yield record
    with PartialFile(folder / RECORD) as file:
        file.write(json.dumps(records, indent=2, allow_nan=False) + "\n")


def _segment(
    one: Input,
    folder: Path,
    names: FileNames,
    models: tuple[Model, VolumeModel | None],
    dicom: DicomWriter | None,
) -> Record:
    model, for_heads = models
    if isinstance(one, Case):
        stem = folder / names.name(one.name)
        path, found, about = write_case(one, stem, model=model, whole=for_heads)
        return _record(str(next(iter(one.files.values())).parent), path, found) | about
    scan = read_source(one)
    answer = predict(scan, model=model)
    stem = folder / names.name(one.name)
    if isinstance(scan, Volume) and isinstance(answer, VolumePrediction):
        whole = outline_volume(scan, answer)
        beside = _objects(dicom, one, answer, whole, stem)
        path = stem.with_name(f"{stem.name}_seg.nii.gz")
        write_label_map(path, whole.mask, scan, like=_nifti_file(one))
        return _record(one.name, path, answer) | whole.to_json() | beside
    assert isinstance(scan, Scan)
    assert isinstance(answer, Prediction)
    shown = outline(scan, answer)
    beside = _objects(dicom, one, answer, shown, stem)
    path = stem.with_name(f"{stem.name}.mask.png")
    buffer = io.BytesIO()
    Pillow.fromarray(shown.mask.astype(np.uint8) * 255).save(buffer, "PNG")
    write_bytes(path, buffer.getvalue())
    return _record(one.name, path, answer) | shown.to_json() | beside


def _objects(
    dicom: DicomWriter | None,
    one: Source,
    answer: Prediction | VolumePrediction,
    found: Outline | VolumeOutline,
    stem: Path,
) -> Record:
    return {"dicom": [path.name for path in dicom(one, answer, found, stem)]} if dicom else {}


def _record(source: str, mask: Path, answer: Prediction | VolumePrediction) -> Record:
    told = answer.to_json()
    names = ("label", "probabilities", "tumor_probability", "skull_strip", "model")
    kept = {key: told[key] for key in names}
    return {"source": source, "mask": mask.name} | kept


def _refusal(error: ScanError) -> Record:
    return {"source": error.source, "error": error.to_json()}


def _nifti_file(source: Source) -> Path | None:
    return source.files[0] if len(source.files) == 1 and is_nifti(source.files[0]) else None


def _folders(path: Path) -> list[Path]:
    """The folder and all folders in it; nothing for a file."""
    if not path.is_dir():
        return []
    inner = sorted(one for one in path.rglob("*") if one.is_dir() and not one.is_symlink())
    return [path, *inner]


def _lies_in(source: Source, folders: Sequence[Path]) -> bool:
    return any(file.parent == folder for file in source.files for folder in folders)


def _is_label_map(source: Source) -> bool:
    return any(is_label_map(file) for file in source.files)
