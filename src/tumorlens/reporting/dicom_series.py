"""A new DICOM series of a study: what ties it to the source, and what it says of itself."""

import copy
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pydicom.valuerep import DA, TM

from tumorlens.errors import ScanContentError, ScanCorruptError
from tumorlens.model_identity import ModelIdentity
from tumorlens.reading.decoding import decoding
from tumorlens.reading.dicom.header import numbers, text, uid_of
from tumorlens.reading.dicom.origin import Origin
from tumorlens.reading.dicom.slices import directions_from
from tumorlens.reading.dicom.stack import are_parallel
from tumorlens.reporting.folder import write_bytes

MAKER = "tumorlens"
SHORT_NOTICE = "Research software, no diagnosis"
"""Where DICOM allows 64 characters only; the report holds the whole notice."""

_SERIES_NUMBER = 9000
"""Of the first series of ours; above what scanners give, so that it is listed last."""

_REMEDY = "Give the series as the scanner or archive exported it, or leave out --dicom."

_NEEDED = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")
_MAY_BE_EMPTY = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
)
_KINDS = {"PatientBirthDate": DA, "StudyDate": DA, "StudyTime": TM}
_SEXES = {"M", "F", "O"}


def tied_headers(origin: Origin, *, placed: bool) -> list[Dataset]:
    """The source's headers, complete enough for new objects of the same study.

    Elements that may be empty are added empty where they are absent or no values of their kind.
    Where their place is needed, orientations that differ in their last digits become one.

    Args:
        origin: Of the scan.
        placed: Whether their place in space is needed too.

    Raises:
        ScanContentError: A unique identifier is absent or no unique one, or the place in space is
            absent.
    """
    # A copy of pydicom's own shares its elements with the original.
    headers = [copy.deepcopy(header) for header in origin.headers]
    for header in headers:
        absent = [name for name in _NEEDED if not uid_of(header, name)]
        if placed and not uid_of(header, "FrameOfReferenceUID"):
            absent.append("FrameOfReferenceUID")
        if placed and not _tells_place(header):
            absent.append("ImagePositionPatient, ImageOrientationPatient or PixelSpacing")
        if absent:
            raise _untied(f"one without {', '.join(absent)}", origin.source)
        _complete(header)
    if len({header.SOPInstanceUID for header in headers}) < len(headers):
        raise _untied("several images of one SOPInstanceUID", origin.source)
    if placed:
        _align(headers)
    return headers


def _untied(found: str, source: str) -> ScanContentError:
    return ScanContentError(
        expected="a DICOM series that other objects can be tied to",
        found=found,
        remedy=_REMEDY,
        source=source,
    )


def about_us(model: ModelIdentity, *, description: str, number: int) -> dict[str, Any]:
    """What every object of ours says of its series and its maker, for highdicom.

    Args:
        model: That answered.
        description: Of the series.
        number: Of the kind of series, from 0.
    """
    return {
        "series_instance_uid": generate_uid(),
        "series_number": _SERIES_NUMBER + number,
        "sop_instance_uid": generate_uid(),
        "instance_number": 1,
        "manufacturer": MAKER,
        "manufacturer_model_name": name_of(model),
        "software_versions": model.version,
        "device_serial_number": model.sha256[:16],
        "series_description": f"{description} ({SHORT_NOTICE})"[:64],
    }


def name_of(model: ModelIdentity) -> str:
    """The model's name as DICOM takes it."""
    return f"{MAKER} {model.name}"[:64].replace("\\", "/")


@contextmanager
def making(what: str, *, source: str) -> Iterator[None]:
    """Make an object with highdicom; what it says against the source leaves as a `ScanError`.

    Raises:
        ScanContentError: The source's elements contradict each other or the standard.
    """
    try:
        with decoding(f"DICOM series that a {what} can be tied to", source=source):
            yield
    except ScanCorruptError as error:
        cause = error.__cause__ or error
        raise ScanContentError(
            expected=f"a DICOM series that a {what} can be tied to",
            found=f"one that highdicom refuses: {_sentence(cause)}",
            remedy=_REMEDY,
            source=source,
        ) from cause


def save(made: Dataset, path: Path) -> None:
    """Write a DICOM file: aside first, then renamed.

    Raises:
        ConfigError: It cannot be written.
    """
    buffer = io.BytesIO()
    made.save_as(buffer, enforce_file_format=True)
    write_bytes(path, buffer.getvalue())


def _tells_place(header: Dataset) -> bool:
    homes: list[Dataset] = [header]
    for group in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        homes += [item for one in _items(header, group)[:1] for item in _inner(one)]
    return all(
        any(text(home, name) for home in homes)
        for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
    )


def _inner(group: Dataset) -> list[Dataset]:
    names = ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence")
    return [item for name in names for item in _items(group, name)[:1]]


def _items(dataset: Dataset, name: str) -> Sequence[Dataset]:
    return list(dataset.get(name) or ())


def _complete(header: Dataset) -> None:
    for name in _MAY_BE_EMPTY:
        if name not in header or not _is_valid(header, name):
            setattr(header, name, "")


def _is_valid(header: Dataset, name: str) -> bool:
    value = text(header, name)
    if name == "PatientSex":
        return value in _SEXES or not value
    try:
        _KINDS.get(name, str)(value)
    except ValueError:
        return False
    return True


def _align(headers: list[Dataset]) -> None:
    """Make the headers agree where highdicom wants them to, and the reader does not."""
    if _parallel(headers):
        for header in headers:
            header.ImageOrientationPatient = headers[0].ImageOrientationPatient
    for header in headers:
        if "SliceThickness" not in header:
            header.SliceThickness = None
        _share(header)


def _share(header: Dataset) -> None:
    """Let the first frame's orientation and spacing, told frame by frame, stand for all."""
    frames = _items(header, "PerFrameFunctionalGroupsSequence")
    for shared in _items(header, "SharedFunctionalGroupsSequence")[:1]:
        for name in ("PlaneOrientationSequence", "PixelMeasuresSequence"):
            own = [item for frame in frames for item in _items(frame, name)[:1]]
            is_complete = 0 < len(own) == len(frames)
            if name in shared or not is_complete:
                continue
            if name == "PixelMeasuresSequence" or _parallel(own):  # `stack` compared the spacings
                setattr(shared, name, own[:1])


def _parallel(homes: Sequence[Dataset]) -> bool:
    """Whether all tell an orientation, and one that counts as the first one's."""
    cosines = [numbers(home, "ImageOrientationPatient", 6) for home in homes]
    directions = [None if one is None else directions_from(one) for one in cosines]
    first = directions[0]
    return first is not None and all(
        own is not None and are_parallel(first, own) for own in directions
    )


def _sentence(cause: BaseException) -> str:
    """What a library said; only the error's kind where the words might quote the patient."""
    trace = cause.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    raised_in = "" if trace is None else str(trace.tb_frame.f_globals.get("__name__", ""))
    # Errors about absent attributes quote names only.
    if isinstance(cause, AttributeError) or raised_in.split(".")[0] == "highdicom":
        return str(cause).rstrip(".")
    return type(cause).__name__
