"""The header of a DICOM file: parsing it, telling images of MR from everything else."""

import math
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID

from tumorlens.errors import (
    ScanContentError,
    ScanCorruptError,
    ScanError,
    ScanFormatError,
)
from tumorlens.reading.decoding import decoding
from tumorlens.reading.files import check_bytes, read_bytes, read_head
from tumorlens.reading.limits import Limits
from tumorlens.reading.sequence import guess_sequence

_MODALITIES = {"MR", "OT", "SC", ""}
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_NOT_DEFLATED = b"1.2.840.10008.1.2.1\0\0\0"
_META_BYTES = 4096
_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*")


@dataclass(frozen=True, slots=True)
class Header:
    """What groups a file into a series.

    Attributes:
        series: Its SeriesInstanceUID; empty for a file that is read on its own (multi-frame,
            without the UID, or damaged).
        is_image: False for DICOM objects of another kind: reports, segmentations, DICOMDIR.
    """

    series: str
    is_image: bool


def parse(data: bytes, *, source: str, limits: Limits) -> Dataset:
    """Parse a DICOM file, with or without the preamble; the pixels stay encoded.

    Raises:
        ScanCorruptError: It cannot be parsed.
        ScanTooLargeError: It is deflated and unpacks to more than ``limits.max_bytes``.
    """
    if _DEFLATED in data[:_META_BYTES]:
        data = _inflated(data, source, limits)
    # pydicom inflates without bound whatever names the deflated syntax, so none may get there.
    with decoding("DICOM file", source=source):
        return dcmread(BytesIO(data.replace(_DEFLATED, _NOT_DEFLATED)), force=True)


def parse_series_header(path: Path) -> Header:
    """Read only what groups a file into a series; a damaged file counts as an image alone."""
    if _DEFLATED in read_head(path, _META_BYTES):
        return Header("", True)
    tags = ["SOPClassUID", "SeriesInstanceUID", "NumberOfFrames"]
    try:
        with decoding("DICOM file", source=str(path)):
            dataset = dcmread(path, force=True, stop_before_pixels=True, specific_tags=tags)
    except ScanError:
        return Header("", True)
    series = text(dataset, "SeriesInstanceUID")
    alone = (number(dataset, "NumberOfFrames") or 1) > 1
    return Header("" if alone else series, _is_image_class(_class_uid(dataset)))


def check_kind(dataset: Dataset, *, source: str) -> None:
    """Make sure that a data set is one MR image.

    Raises:
        ScanFormatError: Another kind of object, such as a report or a segmentation.
        ScanCorruptError: An image that ends before its pixels.
        ScanContentError: Another modality, or a mosaic of slices.
    """
    uid = _class_uid(dataset)
    if not _is_image_class(uid):
        raise ScanFormatError(
            expected="a DICOM image",
            found=f"a DICOM object of the class {uid.name}",
            remedy="Give the files of the MR series itself.",
            source=source,
        )
    modality = text(dataset, "Modality").upper()
    if modality not in _MODALITIES or not _may_be_mr(uid):
        named = modality if modality.isalnum() and len(modality) <= 16 else "unknown"
        found = f"the class {uid.name}" if modality in _MODALITIES else f"modality {named}"
        raise ScanContentError(
            expected="an MR image",
            found=found,
            remedy="Give a magnetic resonance scan of the head; other modalities are not read.",
            source=source,
        )
    if not any(name in dataset for name in _PIXELS):
        raise ScanCorruptError(
            expected="a DICOM image with pixels",
            found="none; the file seems to end before them",
            remedy="Copy or export the file again.",
            source=source,
        )
    if "MOSAIC" in text(dataset, "ImageType").upper():
        raise ScanContentError(
            expected="one slice a picture",
            found="a mosaic of many slices in one picture",
            remedy="Convert the series first, for example with dcm2niix.",
            source=source,
        )


def guess_dataset_sequence(dataset: Dataset) -> str | None:
    """The MR sequence by SeriesDescription, else ProtocolName, and the contrast agent."""
    agent = text(dataset, "ContrastBolusAgent").strip().upper()
    contrast = agent not in {"", "NONE", "NO", "N", "0"}
    for keyword in ("SeriesDescription", "ProtocolName"):
        guess = guess_sequence(text(dataset, keyword), contrast=contrast)
        if guess:
            return guess
    return None


def parse_images(files: Sequence[Path], *, limits: Limits) -> Iterator[tuple[str, Dataset]]:
    """Each file's name and data set; of copies of one image the first.

    Raises:
        ScanError: As `parse`, or a file cannot be read; the message names it.
    """
    seen: set[tuple[str, ...]] = set()
    for file in files:
        name = str(file)
        dataset = parse(read_bytes(file, source=name, limits=limits), source=name, limits=limits)
        key = _copy_key(dataset)
        if key in seen:
            continue
        if key is not None:
            seen.add(key)
        check_kind(dataset, source=name)
        yield name, dataset


def _copy_key(dataset: Dataset) -> tuple[str, ...] | None:
    """What copies of one image share; None where the SOPInstanceUID is unknown.

    Place and number belong to it: some programs that anonymise give all images the same UID.
    """
    uid = text(dataset, "SOPInstanceUID")
    others = ("ImagePositionPatient", "InstanceNumber")
    return (uid, *(text(dataset, keyword) for keyword in others)) if uid else None


def text(dataset: Dataset, keyword: str) -> str:
    """An element's value as text; empty where absent or unreadable."""
    value = _value(dataset, keyword)
    return "" if value is None else str(value)


def number(dataset: Dataset, keyword: str) -> float | None:
    """An element's single finite value; None where absent, several or unreadable."""
    values = numbers(dataset, keyword, 1)
    return values[0] if values else None


def numbers(dataset: Dataset, keyword: str, count: int) -> tuple[float, ...] | None:
    """An element's ``count`` finite values; None where absent, another count or unreadable."""
    value = _value(dataset, keyword)
    if value is None:
        return None
    values = list(value) if not isinstance(value, str) and hasattr(value, "__iter__") else [value]
    try:
        found = tuple(float(v) for v in values)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if len(found) == count and all(map(math.isfinite, found)) else None


def _value(dataset: Dataset, keyword: str) -> Any:
    try:
        with decoding("DICOM element", source=""):
            return dataset.get(keyword)
    except ScanError:  # values are converted when asked for; a damaged one is an absent one
        return None


def uid_of(dataset: Dataset, keyword: str) -> UID:
    """An element's UID; empty where absent, or where it is none and might be any text."""
    value = text(dataset, keyword)
    return UID(value if _UID.fullmatch(value) and len(value) <= 64 else "")


def _class_uid(dataset: Dataset) -> UID:
    meta = getattr(dataset, "file_meta", None) or Dataset()
    return uid_of(dataset, "SOPClassUID") or uid_of(meta, "MediaStorageSOPClassUID")


def _is_image_class(uid: UID) -> bool:
    """Whether a SOP class is an image; unknown and private ones are given the chance."""
    return uid.name == uid or "Image Storage" in uid.name


def _may_be_mr(uid: UID) -> bool:
    return uid.name == uid or "MR " in uid.name or "Secondary Capture" in uid.name


def _inflated(data: bytes, source: str, limits: Limits) -> bytes:
    """A deflated file with its data set unpacked, within the limits."""
    with decoding("deflated DICOM file", source=source):
        start = 144 + int.from_bytes(data[140:144], "little")
        unpacked = zlib.decompressobj(-zlib.MAX_WBITS).decompress(
            data[start:], limits.max_bytes + 1
        )
    check_bytes(len(unpacked), source=source, limits=limits)
    return data[:start] + unpacked
