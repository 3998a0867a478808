"""DICOM: one file, one multi-frame file, or the files of one series.

What is decided here:

- MR images are read, and secondary captures or images of no named modality, since anonymisers
  and exports drop the name; every other modality is refused by its name.
- Values are the stored ones after the modality rescale, in every frame by its own slope. The
  window (WindowCenter, WindowWidth) is *not* applied: it is a viewer's choice that often differs
  from slice to slice, it cuts off what is bright, and the same head must give the same answer
  from NIfTI, which has none. `tumorlens.preparation` scales by percentiles instead.
- MONOCHROME1 is inverted, colour and palettes become luminance, padding outside the range of the
  picture becomes its darkest value.
- Slices are ordered by their position along the normal of the slice; by InstanceNumber where the
  positions are not told. Copies of one image (SOPInstanceUID, place and number) count once.
  Several images at one position, gaps, several orientations or sizes are refused: the answer would
  be about a volume that nobody scanned.
- The orientation is that of `Volume` where it is known, also for a single slice; else slices are
  shown as they are stored.
- Nothing about the patient leaves this package: neither in a scan nor in a message.
"""

from collections.abc import Sequence
from pathlib import Path, PurePath

from tumorlens.reading.checks import check_shape, check_slices
from tumorlens.reading.dicom.header import (
    Header,
    check_kind,
    guess_dataset_sequence,
    parse,
    parse_images,
    parse_series_header,
)
from tumorlens.reading.dicom.pixels import frame_shape
from tumorlens.reading.dicom.slices import Slice, slices_of
from tumorlens.reading.dicom.stack import stack
from tumorlens.reading.limits import Limits
from tumorlens.reading.sequence import guess_sequence
from tumorlens.scan import Scan, Volume

__all__ = ["Header", "read", "read_series", "read_series_header"]


def read(data: bytes, *, source: str, limits: Limits) -> Scan | Volume:
    """Decode the bytes of one DICOM file.

    Args:
        data: The whole file.
        source: Its name, passed on.
        limits: How large it may be.

    Returns:
        A `Scan`, or a `Volume` for a multi-frame file, in the units after rescaling.

    Raises:
        ScanFormatError: Not an image, or of a transfer syntax that cannot be decoded here.
        ScanCorruptError: Truncated or damaged.
        ScanTooLargeError: More pixels than allowed; nothing was decoded.
        ScanContentError: Another modality, a mosaic, frames that are no volume, one value.
    """
    dataset = parse(data, source=source, limits=limits)
    check_kind(dataset, source=source)
    sequence = guess_dataset_sequence(dataset) or guess_sequence(PurePath(source).name)
    slices = slices_of(dataset, source=source, limits=limits)
    return stack(slices, source=source, sequence=sequence, limits=limits)


def read_series(files: Sequence[Path], *, source: str, limits: Limits) -> Scan | Volume:
    """Decode the files of one series, in any order.

    Args:
        files: One slice (or several frames) each.
        source: The name of the series, for messages and the volume.
        limits: How large each file and all slices together may be.

    Returns:
        A `Volume`; a `Scan` if all files are copies of one slice.

    Raises:
        ScanError: As `read`; the message names the file that cannot be read.
    """
    slices: list[Slice] = []
    sequence: str | None = None
    for name, dataset in parse_images(files, limits=limits):
        frames, rows, columns = frame_shape(dataset, source=name)
        check_shape((len(slices) + frames, rows, columns), source=source, limits=limits)
        check_slices(len(slices) + frames, source=source, limits=limits)
        slices += slices_of(dataset, source=name, limits=limits)
        sequence = sequence or guess_dataset_sequence(dataset)
    sequence = sequence or guess_sequence(PurePath(source).name)
    return stack(slices, source=source, sequence=sequence, limits=limits)


def read_series_header(path: Path) -> Header:
    """What `find_sources` needs to group files into series; never raises an error."""
    return parse_series_header(path)
