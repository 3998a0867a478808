"""An answer as a DICOM structured report: TID 1500, Measurement Report, in a Comprehensive SR.

The classes are the model's own, so they are coded in a private scheme, ``99TUMORLENS``, by their
names. The notice that this is research software is the report's first remark.
"""

import re
from collections.abc import Sequence
from typing import Any

from highdicom import sr
from highdicom.seg import Segmentation
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from tumorlens.measured_outline import Outline, VolumeOutline
from tumorlens.model_identity import ModelIdentity
from tumorlens.notice import NOTICE
from tumorlens.prediction import Prediction, VolumePrediction
from tumorlens.reading.dicom.header import text
from tumorlens.reading.dicom.origin import Origin
from tumorlens.reporting.dicom_series import MAKER, about_us, making, name_of, tied_headers
from tumorlens.reporting.wording import how_answered

SCHEME = "99TUMORLENS"
_MILLILITER = Code("mL", "UCUM", "milliliter")

Answer = Prediction | VolumePrediction


def make_report(
    origin: Origin,
    answer: Answer,
    outline: Outline | VolumeOutline | None,
    segmentation: Segmentation | None = None,
) -> sr.ComprehensiveSR:
    """Make the report of one answer.

    It holds the whole answer (class, every class's probability, the classes that cannot be
    excluded, whether it was accepted), the most suspicious slices of a volume with the images
    they are, and the outline's measurements. Area and diameter of a volume's largest outline refer
    to the image that it lies in, if it lies in one.

    Args:
        origin: Of the scan or volume.
        answer: About it.
        outline: Of the same; None where the model outlines nothing.
        segmentation: Of the outline, if there is one: the measurements then refer to it.

    Returns:
        A complete, unverified report in the source's study, with the source's patient and study
        elements.

    Raises:
        ScanError: The source lacks what a report must be tied to.
    """
    headers = tied_headers(origin, placed=False)
    evidence = [*headers, segmentation] if segmentation is not None else headers
    groups = [_whole(origin, answer), *_slices(origin, answer)]
    if outline is not None and outline.mask.any():
        model = outlining_model(answer, outline)
        groups.append(_measured(model, origin, outline, segmentation))
    content = sr.MeasurementReport(
        sr.ObservationContext(observer_device_context=_observer(answer.model)),
        procedure_reported=codes.cid100.MRIUnspecifiedBodyRegion,
        imaging_measurements=groups,
    )
    content[0].ContentSequence.extend(_remarks(origin, answer, outline))
    with making("structured report", source=origin.source):
        return sr.ComprehensiveSR(
            evidence,
            content[0],
            is_complete=True,
            transfer_syntax_uid=ExplicitVRLittleEndian,
            **about_us(answer.model, description="Tumor report", number=1),
        )


def outlining_model(answer: Answer, outline: Outline | VolumeOutline) -> ModelIdentity:
    """Which model outlined: the one that answered, or one for whole heads."""
    other = outline.outlined_by if isinstance(outline, VolumeOutline) else None
    return other or answer.model


def _whole(origin: Origin, answer: Answer) -> sr.MeasurementsAndQualitativeEvaluations:
    """What is said of the whole scan."""
    evaluations = [
        sr.QualitativeEvaluation(
            _code("accepted", "Looks like a brain MRI"),
            codes.SCT.Yes if answer.accepted else codes.SCT.No,
        )
    ]
    evaluations += [
        sr.QualitativeEvaluation(_code("not-excluded", "Cannot be excluded"), _class(name))
        for name in answer.conformal_set
    ]
    return _group("whole scan", answer, evaluations, _images(origin))


def _slices(origin: Origin, answer: Answer) -> list[sr.MeasurementsAndQualitativeEvaluations]:
    """What is said of the most suspicious slices of a volume, where these are stored images."""
    if isinstance(answer, Prediction):
        return []
    groups = []
    for index in answer.suspicious:
        if (image := origin.image_of(index)) is not None:
            named = f"suspicious slice: {_named(*image)}"
            groups.append(_group(named, answer.slice(index), [], [_reference(*image)]))
    return groups


def _group(
    name: str,
    answer: Answer,
    evaluations: Sequence[sr.QualitativeEvaluation],
    images: Sequence[sr.SourceImageForMeasurementGroup],
) -> sr.MeasurementsAndQualitativeEvaluations:
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(generate_uid(), name),
        finding_type=_class(answer.label),
        algorithm_id=_algorithm(answer.model),
        finding_sites=[sr.FindingSite(codes.SCT.Brain)],
        measurements=[
            sr.Measurement(
                _code(f"p-{_plain(label)}", f"Probability of {_spoken(label)}"),
                round(float(probability), 6),
                codes.UCUM.NoUnits,
            )
            for label, probability in answer.probabilities.items()
        ],
        qualitative_evaluations=evaluations,
        source_images=images,
    )


def _measured(
    model: ModelIdentity,
    origin: Origin,
    outline: Outline | VolumeOutline,
    segmentation: Segmentation | None,
) -> Any:
    """The outline's size; of a volume its own and that of the largest slice."""
    common: dict[str, Any] = {
        "finding_type": codes.SCT.Neoplasm,
        "algorithm_id": _algorithm(model),
        "finding_sites": [sr.FindingSite(codes.SCT.Brain)],
        "measurements": _sizes(origin, outline),
    }
    if segmentation is None:
        identifier = sr.TrackingIdentifier(generate_uid(), "tumor")
        return sr.MeasurementsAndQualitativeEvaluations(identifier, **common)
    segment = segmentation.SegmentSequence[0]
    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        sr.TrackingIdentifier(UID(segment.TrackingUID), segment.TrackingID),
        referenced_segment=sr.ReferencedSegment(
            segmentation.SOPClassUID,
            segmentation.SOPInstanceUID,
            segment.SegmentNumber,
            source_series=sr.SourceSeriesForSegmentation(
                segmentation.ReferencedSeriesSequence[0].SeriesInstanceUID
            ),
        ),
        **common,
    )


def _sizes(origin: Origin, outline: Outline | VolumeOutline) -> list[sr.Measurement]:
    flat = outline.outline if isinstance(outline, VolumeOutline) else outline
    assert flat is not None
    volume = outline.volume_ml if isinstance(outline, VolumeOutline) else None
    of_slice = " in the largest slice" if isinstance(outline, VolumeOutline) else ""
    percent = _code("area-percent", f"Area in percent of the head{of_slice}")
    images = _largest(origin, outline)
    found = [
        (codes.SCT.Volume, volume, _MILLILITER, None),
        (codes.SCT.Area, flat.area_mm2, codes.UCUM.SquareMillimeter, images),
        (codes.SCT.Diameter, flat.diameter_mm, codes.UCUM.Millimeter, images),
        (percent, flat.area_percent, codes.UCUM.Percent, images),
    ]
    return [
        sr.Measurement(name, round(value, 3), unit, referenced_images=seen_in)
        for name, value, unit, seen_in in found
        if value is not None
    ]


def _largest(
    origin: Origin, outline: Outline | VolumeOutline
) -> list[sr.SourceImageForMeasurement] | None:
    """The image with a volume's largest outline, where that slice is a stored image."""
    index = outline.largest if isinstance(outline, VolumeOutline) else None
    image = None if index is None else origin.image_of(index)
    if image is None:
        return None
    header, frame = image
    frames = None if frame is None else [frame]
    return [sr.SourceImageForMeasurement(header.SOPClassUID, header.SOPInstanceUID, frames)]


def _remarks(
    origin: Origin, answer: Answer, outline: Outline | VolumeOutline | None
) -> list[sr.TextContentItem]:
    said = [NOTICE]
    if not answer.accepted:
        said.append(f"Not accepted: {answer.reason}")
    if answer.advice:
        said.append(f"Advice: {answer.advice}")
    if how := how_answered(answer):
        said.append(how)
    if isinstance(outline, VolumeOutline) and outline.largest is not None:
        where = _where(origin, outline.largest)
        said.append(f"Area and diameter are those of the largest outline, {where}.")
    if outline is not None and not outline.mask.any():
        said.append("No tumor was outlined.")
    if isinstance(outline, VolumeOutline):
        by = [f"by {name_of(outline.outlined_by)}"] if outline.outlined_by else []
        said += [f"Outline: {text}" for text in (*by, *outline.notes)]
    return [
        sr.TextContentItem(codes.DCM.Comment, text, sr.RelationshipTypeValues.CONTAINS)
        for text in said
    ]


def _observer(model: ModelIdentity) -> sr.ObserverContext:
    device = sr.DeviceObserverIdentifyingAttributes(
        # One model is one device, whoever runs it.
        uid=generate_uid(entropy_srcs=[MAKER, model.sha256]),
        name=MAKER,
        manufacturer_name=MAKER,
        model_name=f"{model.name} {model.version}"[:64],
        serial_number=model.sha256[:16],
    )
    return sr.ObserverContext(codes.DCM.Device, device)


def _algorithm(model: ModelIdentity) -> sr.AlgorithmIdentification:
    return sr.AlgorithmIdentification(
        name_of(model), model.version, parameters=[f"sha256 {model.sha256}"]
    )


def _images(origin: Origin) -> list[sr.SourceImageForMeasurementGroup]:
    return [_reference(header, None) for header in origin.headers]


def _reference(header: Dataset, frame: int | None) -> sr.SourceImageForMeasurementGroup:
    return sr.SourceImageForMeasurementGroup(
        header.SOPClassUID, header.SOPInstanceUID, None if frame is None else [frame]
    )


def _where(origin: Origin, index: int) -> str:
    """Where a shown slice is found among the stored images."""
    if (image := origin.image_of(index)) is not None:
        return f"in {_named(*image)} of the series"
    line, number = origin.line_of(index)
    return f"in the slice along {line} {number} of every image of the series"


def _named(header: Dataset, frame: int | None) -> str:
    """An image as viewers name it: by its InstanceNumber, or by its UID where it has none."""
    number = text(header, "InstanceNumber") or header.SOPInstanceUID
    return f"image {number}" if frame is None else f"frame {frame} of image {number}"


def _class(label: str) -> Code:
    return _code(_plain(label), _spoken(label))


def _code(value: str, meaning: str) -> Code:
    return Code(value[:64], SCHEME, meaning[:64])


def _plain(label: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]+", "-", label).strip("-").lower() or "class"


def _spoken(label: str) -> str:
    return label.replace("_", " ").replace("\\", " ")
