"""A case's whole tumor: outlined by a model for whole heads where its sequences allow it."""

from pathlib import Path
from typing import Any

import numpy as np

from tumorlens.model import Model
from tumorlens.outlining import (
    MIN_TUMOR_PROBABILITY,
    VolumeOutline,
    measure_volume,
    outline_volume,
)
from tumorlens.prediction import VolumePrediction, predict
from tumorlens.reading.case import Case
from tumorlens.reporting.cases.planes import draw_planes
from tumorlens.reporting.cases.upright import upright
from tumorlens.reporting.figure import png_bytes
from tumorlens.reporting.folder import write_bytes
from tumorlens.reporting.label_map import write_label_map
from tumorlens.reporting.outline_inputs import LABEL_MAP, PLANES
from tumorlens.scan import Volume
from tumorlens.volume_outlining import (
    CaseOutline,
    VolumeModel,
    check_sequences,
    outline_head,
)
from tumorlens.volume_outlining.head import read_head, without_skull
from tumorlens.volume_outlining.regions import tissue_names

SHOWN = ("flair", "t1c", "t1", "t2")
"""The sequence that is classified: the first of these that a case has. FLAIR shows the whole
tumor with its edema."""


HEALTHY = "the classifier takes the head for healthy, so that nothing is outlined"
"""Stands among the record's notes then."""


def write_case(
    case: Case, stem: Path, *, model: Model, whole: VolumeModel | None
) -> tuple[Path, VolumePrediction, dict[str, Any]]:
    """Answer a case, outline its tumor, and write ``<stem>_seg.nii.gz`` (0 or 1).

    A model for whole heads outlines from several sequences at once, and a picture of three
    planes, ``<stem>_planes.png``, is written besides. Without one, or without FLAIR, the
    classifier outlines slice by slice: edema is hardly seen elsewhere. The model for whole heads
    is not asked about a head that the classifier takes for healthy.

    Args:
        case: From `tumorlens.reading.case.find_case`.
        stem: Where files are written, without the end of their names.
        model: The classifier.
        whole: A model for whole heads; None to do without.

    Returns:
        The label map's file, the classifier's answer, and what else the record says.

    Raises:
        ScanError: A file cannot be used, or two hold the same.
        ConfigError: The model does not outline, or a file cannot be written.
    """
    sequence = next(name for name in SHOWN if name in case.files)
    head = read_head(case)
    volume = head.volumes[sequence]
    answer = predict(volume, model=model)
    assert isinstance(answer, VolumePrediction)
    about: dict[str, Any] = {"sequences": list(case.files), "missing": list(case.missing)}
    if case.passed_over:
        about["passed_over"] = [file.name for file in case.passed_over]
    path = stem.with_name(f"{stem.name}{LABEL_MAP}")
    if whole is None or SHOWN[0] not in set(case.files) & set(whole.card.sequences):
        found = outline_volume(volume, answer)
        about |= {"outlined": [sequence]}
    elif answer.tumor_probability < MIN_TUMOR_PROBABILITY:
        found = measure_volume(np.zeros(volume.voxels.shape, bool), volume)
        about |= {"outlined": [], "notes": [HEALTHY]}
    else:
        missing = check_sequences(case, whole.card)
        shown = without_skull(head, answer.skull_strip) if answer.skull_strip else head
        found, more = _outline(outline_head(shown, whole, missing=missing), volume, whole, stem)
        about |= more
    write_label_map(path, found.mask, volume, like=case.files[sequence])
    return path, answer, about | found.to_json()


def _outline(
    outline: CaseOutline, volume: Volume, whole: VolumeModel, stem: Path
) -> tuple[VolumeOutline, dict[str, Any]]:
    """The tumor by the model for whole heads, its picture, and what the record says of it."""
    picture = stem.with_name(f"{stem.name}{PLANES}")
    planes = draw_planes(upright(outline), tissue_names(whole.card.regions))
    write_bytes(picture, png_bytes(planes))
    card = whole.card
    return measure_volume(np.asarray(outline.labels > 0), volume), {
        "outlined": [name for name in card.sequences if name in outline.head.volumes],
        "outlined_by": card.identity.to_json(),
        "picture": picture.name,
        "notes": list(outline.notes),
    }
