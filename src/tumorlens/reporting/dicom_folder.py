"""DICOM objects in a folder: the outline as a Segmentation, the answer as a structured report.

They hold the source's patient and study elements: unlike everything else that tumorlens writes,
these files belong to the patient's record and are to be kept like it.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tumorlens.errors import ConfigError, ScanError, TumorlensError
from tumorlens.measured_outline import Outline, VolumeOutline
from tumorlens.outlining import measure_outline
from tumorlens.prediction import Prediction, VolumePrediction
from tumorlens.reading import Source
from tumorlens.reading.case import Case
from tumorlens.reading.dicom.origin import trace
from tumorlens.reading.files import read_head
from tumorlens.reading.formats import HEAD_BYTES, reader_name
from tumorlens.reporting.dicom_report import make_report, outlining_model
from tumorlens.reporting.dicom_seg import make_segmentation
from tumorlens.reporting.dicom_series import save
from tumorlens.reporting.folder import FileNames, writing
from tumorlens.reporting.outline_names import DICOM_OUTLINE, DICOM_REPORT
from tumorlens.reporting.results import Result

FOLDER = "dicom"
"""Of the reports, within the folder of ``tumorlens predict --output``."""

_NAMED = 3  # inputs that a message names


def check_dicom(inputs: Iterable[Source | Case]) -> None:
    """Make sure that every input is DICOM; nothing is read beyond the first bytes.

    Raises:
        ConfigError: Some are not: there is no series that an object could be tied to.
    """
    others = [one.name for one in inputs if not _may_be_dicom(one)]
    if others:
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        raise ConfigError(
            expected="DICOM files and series only, which a DICOM object can be tied to",
            found=f"other inputs: {', '.join(others[:_NAMED])}{more}",
            remedy="Leave out --dicom, or leave out these.",
            source="--dicom",
        )


def write_objects(
    source: Source,
    answer: Prediction | VolumePrediction,
    outline: Outline | VolumeOutline,
    stem: Path,
) -> list[Path]:
    """Write an outline and the answer that it belongs to, the report referring to the outline.

    Args:
        source: A DICOM file or series.
        answer: About it.
        outline: Of the same.
        stem: The files are ``<stem>_seg.dcm`` and ``<stem>_sr.dcm``.

    Returns:
        Their paths.

    Raises:
        ScanError: The series lacks what objects must be tied to.
        ConfigError: The files cannot be written.
    """
    origin = trace(source.files, source=source.name)
    segmentation = make_segmentation(origin, outline.mask, outlining_model(answer, outline))
    report = make_report(origin, answer, outline, segmentation)
    paths = [stem.with_name(f"{stem.name}{end}") for end in (DICOM_OUTLINE, DICOM_REPORT)]
    for made, path in zip((segmentation, report), paths, strict=True):
        save(made, path)
    return paths


def with_reports(
    results: Iterable[Result], sources: Sequence[Source], folder: Path
) -> Iterator[Result]:
    """Write the structured report of each answer on its way.

    Args:
        results: Of these sources.
        sources: DICOM files and series.
        folder: Gets ``dicom/<name>_sr.dcm``.

    Yields:
        The same results; the error instead, where a series lacks what a report must be tied to.

    Raises:
        ConfigError: The files cannot be written.
    """
    by_name = {source.name: source for source in sources}
    names = FileNames()
    for result in results:
        if isinstance(result, TumorlensError):
            yield result
            continue
        scan, answer = result
        try:
            origin = trace(by_name[answer.source].files, source=answer.source)
            report = make_report(origin, answer, measure_outline(scan, answer))
        except ScanError as error:
            yield error
            continue
        place = folder / FOLDER
        with writing(place):
            place.mkdir(parents=True, exist_ok=True)
        save(report, place / f"{names.name(answer.source)}{DICOM_REPORT}")
        yield result


def _may_be_dicom(one: Source | Case) -> bool:
    """Whether it is DICOM; what cannot be read at all counts too, and is refused when read."""
    if isinstance(one, Case):
        return False
    heads = [read_head(file, HEAD_BYTES) for file in one.files]
    return all(reader_name(head) == "dicom" for head in heads if head)
