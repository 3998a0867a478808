"""A case's whole tumor: outlined by a model for whole heads where its sequences allow it."""

from pathlib import Path
from typing import Any

from tumorlens.model import Model
from tumorlens.outlining import FLAIR, MIN_TUMOR_PROBABILITY, outline_volume
from tumorlens.prediction import VolumePrediction, predict
from tumorlens.reading.case import Case
from tumorlens.reporting.cases.planes import draw_planes
from tumorlens.reporting.cases.upright import upright
from tumorlens.reporting.figure import png_bytes
from tumorlens.reporting.folder import write_bytes
from tumorlens.reporting.label_map import write_label_map
from tumorlens.reporting.outline_names import LABEL_MAP, PLANES
from tumorlens.volume_outlining.head import Head, read_head
from tumorlens.volume_outlining.model import shared_volume_model
from tumorlens.volume_outlining.regions import WHOLE, BoolArray, tissue_names, to_labels

SHOWN = (FLAIR, "t1c", "t1", "t2")
"""The sequence that is classified: the first of these that a case has."""


def write_case(
    case: Case, stem: Path, *, model: Model
) -> tuple[Path, VolumePrediction, dict[str, Any]]:
    """Answer a case, outline its tumor, and write ``<stem>_seg.nii.gz`` (0 or 1).

    The model's companion outlines from several sequences at once, and a picture of three planes,
    ``<stem>_planes.png``, is written besides. Without one, or without FLAIR, the classifier
    outlines slice by slice: edema is hardly seen elsewhere. So it does, with a note, where the
    companion cannot outline or finds nothing (`tumorlens.outlining.outline_volume`). Nothing is
    outlined in a head that the classifier takes for healthy.

    Args:
        case: From `tumorlens.reading.case.find_case`.
        stem: Where files are written, without the end of their names.
        model: The classifier.

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
    found = outline_volume(volume, answer, head=head)
    if found.outlined_by:
        assert model.companion is not None
        known = shared_volume_model(model.companion).card.sequences
        outlined = [name for name in known if name in head.volumes]
        about["picture"] = write_planes(head, found.mask, stem).name
    else:
        outlined = [] if answer.tumor_probability < MIN_TUMOR_PROBABILITY else [sequence]
    path = stem.with_name(f"{stem.name}{LABEL_MAP}")
    write_label_map(path, found.mask, volume, like=case.files[sequence])
    return path, answer, about | {"outlined": outlined} | found.to_json()


def write_planes(head: Head, mask: BoolArray, stem: Path) -> Path:
    """Draw a head with its whole tumor in three planes.

    Args:
        head: What was outlined.
        mask: bool, (slices, rows, columns) of its volumes.
        stem: The picture is ``<stem>_planes.png``.
    """
    path = stem.with_name(f"{stem.name}{PLANES}")
    regions = [WHOLE]
    shown = upright(head, to_labels(mask[None], regions))
    write_bytes(path, png_bytes(draw_planes(shown, tissue_names(regions))))
    return path
