"""Inputs -> outlines in a folder: a mask a scan, a label map a volume or case, and a record."""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from tumorlens.errors import ScanError
from tumorlens.measured_outline import Outline, VolumeOutline
from tumorlens.model import Model
from tumorlens.outlining import outline, outline_volume
from tumorlens.prediction import Prediction, VolumePrediction, predict
from tumorlens.reading import Source, read_source
from tumorlens.reading.case import Case
from tumorlens.reading.nifti import is_nifti
from tumorlens.reading.own_files import Record
from tumorlens.reporting.folder import alone_in, write_bytes, writing
from tumorlens.reporting.label_map import write_label_map
from tumorlens.reporting.outline_names import (
    DICOM_OUTLINE,
    DICOM_REPORT,
    LABEL_MAP,
    MASK,
    PLANES,
    Input,
    claim_names,
)
from tumorlens.reporting.outline_record import OutlineRecord, refusal
from tumorlens.reporting.whole_tumor import write_case, write_planes
from tumorlens.scan import Scan, Volume
from tumorlens.volume_outlining.whole_head import lone_head

DicomWriter = Callable[
    [Source, Prediction | VolumePrediction, Outline | VolumeOutline, Path], list[Path]
]
"""Writes the DICOM objects of one outline, of names that begin with the path; returns theirs."""

_TOLD = (
    "label",
    "probabilities",
    "tumor_probability",
    "accepted",
    "reason",
    "conformal_set",
    "advice",
    "skull_strip",
    "model",
)
"""Of the classifier's answer, what the record says."""


def write_segments(
    inputs: Iterable[Input],
    folder: Path,
    *,
    model: Model,
    refused: Sequence[ScanError] = (),
    dicom: DicomWriter | None = None,
) -> Iterator[Record]:
    """Outline every input and write masks and ``segments.json`` into a folder.

    The record is whole and up to date after each input. It goes on telling of what earlier runs
    outlined there from other sources.

    Args:
        inputs: From `find_inputs`.
        folder: Made if absent. A picture gives ``<stem>.mask.png`` (0 or 255, of its own size), a
            volume or case ``<name>_seg.nii.gz`` (0 or 1, on its own grid), and
            ``<name>_planes.png`` where the model's companion outlined it.
        model: One that outlines.
        refused: Errors to record beside.
        dicom: Writes DICOM objects besides, for inputs that are DICOM; an input for which it
            raises a `ScanError` is refused.

    Yields:
        Each input's record, or the error of one that was refused; the others go on.

    Raises:
        ConfigError: The model does not outline, files of others would be written over (see
            `claim_names`), or another run writes into the folder, or it cannot be written to.
    """
    inputs = list(inputs)
    claimed = claim_names(inputs, folder, _ends_with_dicom if dicom else _ends)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with alone_in(folder), OutlineRecord(folder, claimed.files) as record:
        for error in refused:
            told = refusal(error)
            record.add(told)
            yield told
        for one, stem in zip(inputs, claimed.stems, strict=True):
            try:
                told = _segment(one, folder / stem, model, dicom)
            except ScanError as error:
                told = refusal(error)
            record.add(told)
            yield told


def _ends(one: Input) -> tuple[str, ...]:
    """Of the files that an input may give; whether it is a picture or a volume is not known yet."""
    return (LABEL_MAP, PLANES) if isinstance(one, Case) else (MASK, LABEL_MAP, PLANES)


def _ends_with_dicom(one: Input) -> tuple[str, ...]:
    return (*_ends(one), DICOM_OUTLINE, DICOM_REPORT)


def _segment(
    one: Input,
    stem: Path,
    model: Model,
    dicom: DicomWriter | None,
) -> Record:
    if isinstance(one, Case):
        path, found, about = write_case(one, stem, model=model)
        return _record(str(one.folder), path, found) | about
    scan = read_source(one)
    answer = predict(scan, model=model)
    if isinstance(scan, Volume) and isinstance(answer, VolumePrediction):
        whole = outline_volume(scan, answer)
        beside = _objects(dicom, one, answer, whole, stem)
        if whole.outlined_by:
            beside["picture"] = write_planes(lone_head(scan), whole.mask, stem).name
        path = stem.with_name(f"{stem.name}{LABEL_MAP}")
        write_label_map(path, whole.mask, scan, like=_nifti_file(one))
        return _record(one.name, path, answer) | whole.to_json() | beside
    assert isinstance(scan, Scan)
    assert isinstance(answer, Prediction)
    shown = outline(scan, answer)
    beside = _objects(dicom, one, answer, shown, stem)
    path = stem.with_name(f"{stem.name}{MASK}")
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
    return {"source": source, "mask": mask.name} | {key: told[key] for key in _TOLD}


def _nifti_file(source: Source) -> Path | None:
    return source.files[0] if len(source.files) == 1 and is_nifti(source.files[0]) else None
