"""The pixels of a DICOM file: decompression, rescaling, colour to luminance."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import generate_frames
from pydicom.pixels import apply_color_lut, apply_modality_lut, get_decoder
from pydicom.uid import (
    JPEG2000,
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from tumorlens.errors import ScanCorruptError, ScanFormatError
from tumorlens.reading.checks import check_shape, check_slices
from tumorlens.reading.decoding import decoding
from tumorlens.reading.dicom.apart import decode_apart
from tumorlens.reading.dicom.codestream import parse_codestream
from tumorlens.reading.dicom.header import number, text, uid_of
from tumorlens.reading.image import luminance
from tumorlens.reading.limits import Limits
from tumorlens.scan import FloatArray

# GDCM ends the whole process on some damaged files. What others decode goes to them; JPEG Lossless
# and JPEG-LS, which are left to GDCM, are decoded in a process apart.
_PLUGINS: dict[str, str] = {
    JPEGBaseline8Bit: "pillow",
    JPEGExtended12Bit: "pillow",
    JPEG2000Lossless: "pylibjpeg",
    JPEG2000: "pylibjpeg",
}
_APART = {JPEGLossless, JPEGLosslessSV1, JPEGLSLossless, JPEGLSNearLossless}

Stored = npt.NDArray[np.generic]


def frame_shape(dataset: Dataset, *, source: str) -> tuple[int, int, int]:
    """(frames, rows, columns) as the header declares them.

    Raises:
        ScanCorruptError: The header does not tell them.
    """
    rows, columns = number(dataset, "Rows"), number(dataset, "Columns")
    if rows is None or columns is None:
        raise ScanCorruptError(
            expected="a DICOM image with its numbers of rows and columns",
            found="a header without them",
            remedy="Export the file again.",
            source=source,
        )
    frames = number(dataset, "NumberOfFrames")
    return max(1, int(frames or 1)), int(rows), int(columns)


def read_frames(
    dataset: Dataset,
    *,
    rescale: Callable[[int], tuple[float, float]],
    source: str,
    limits: Limits,
) -> FloatArray:
    """Decode all frames of a file.

    Args:
        dataset: A parsed image.
        rescale: The slope and intercept of the frame of an index.
        source: For messages.
        limits: How large it may be.

    Returns:
        float32, (frames, rows, columns), rescaled; MONOCHROME1 is not inverted yet.

    Raises:
        ScanTooLargeError: More pixels than allowed; nothing was decoded.
        ScanFormatError: The transfer syntax cannot be decoded here.
        ScanCorruptError: The pixels are truncated or damaged.
    """
    shape = frame_shape(dataset, source=source)
    check_shape(shape if shape[0] > 1 else shape[1:], source=source, limits=limits)
    check_slices(shape[0], source=source, limits=limits)
    syntax = _transfer_syntax(dataset, source)
    with decoding(f"DICOM image ({syntax.name})", source=source):
        _check_codestreams(dataset, syntax, shape, source)
        stored, meta = _decoded(dataset, syntax)
        samples = int(meta["samples_per_pixel"])
        stored = stored.reshape(shape if samples == 1 else (*shape, samples))
        if meta["photometric_interpretation"] == "PALETTE COLOR":
            stored = apply_color_lut(stored, dataset)
        if "ModalityLUTSequence" in dataset:
            stored = apply_modality_lut(stored, dataset)
        gray = luminance(stored.astype(np.float32)) if stored.ndim == 4 else _plain(stored, dataset)
    # What overflows float32 becomes infinite, and is refused afterwards like any infinity.
    with np.errstate(all="ignore"):
        for index, frame in enumerate(gray):
            slope, intercept = rescale(index)
            frame *= np.float32(slope)  # noqa: PLW2901
            frame += np.float32(intercept)  # noqa: PLW2901
    return gray


def is_inverted(dataset: Dataset) -> bool:
    """Whether low stored values are meant to be seen bright."""
    return text(dataset, "PhotometricInterpretation") == "MONOCHROME1"


def _plain(stored: Stored, dataset: Dataset) -> FloatArray:
    """float32: grey values, with padding that lies outside their range at its dark end."""
    gray = stored.astype(np.float32)
    padding = number(dataset, "PixelPaddingValue")
    # A padding of 0 is what the background of a head looks like anyway.
    if padding:
        is_padding = gray == np.float32(padding)
        inside = gray[~is_padding]
        if inside.size and not inside.min() <= padding <= inside.max():
            gray[is_padding] = inside.max() if is_inverted(dataset) else inside.min()
    return gray


def _transfer_syntax(dataset: Dataset, source: str) -> UID:
    """The encoding of the pixels; derived from how the header was parsed where not named."""
    meta = getattr(dataset, "file_meta", None)
    if meta is None:
        meta = dataset.file_meta = FileMetaDataset()
    uid = uid_of(meta, "TransferSyntaxUID")
    if not uid:
        implicit, little = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        uid = ImplicitVRLittleEndian if implicit else explicit
        meta.TransferSyntaxUID = uid
    try:
        available = bool(get_decoder(uid).is_available)
    except NotImplementedError:
        available = False
    # pydicom offers the syntax, but none of its decoders takes the 12-bit kind.
    if uid == JPEGExtended12Bit and number(dataset, "BitsStored") != 8:
        available = False
    if not available:
        raise ScanFormatError(
            expected="a DICOM transfer syntax with a decoder installed here",
            found=f"{uid.name} ({uid})" if uid.name != uid else f"the unknown syntax {uid}",
            remedy="Decompress the file first, for example with gdcmconv --raw or dcmdjpeg.",
            source=source,
        )
    return uid


def _decoded(dataset: Dataset, syntax: UID) -> tuple[Stored, dict[str, Any]]:
    """The stored values and pydicom's description of them, by the decoder for the syntax."""
    if syntax in _APART:
        return decode_apart(dataset)
    decoder = get_decoder(syntax)
    stored, meta = decoder.as_array(dataset, decoding_plugin=_PLUGINS.get(syntax, ""))
    return stored, meta


def _check_codestreams(
    dataset: Dataset, syntax: UID, shape: tuple[int, int, int], source: str
) -> None:
    """Hold the headers of compressed frames against the file's: decoders trust the former."""
    if not syntax.is_encapsulated or syntax == RLELossless:
        return
    samples = number(dataset, "SamplesPerPixel")
    for frame in generate_frames(dataset.PixelData, number_of_frames=shape[0]):
        found = parse_codestream(frame)
        if found is None or found.shape != shape[1:] or found.samples != samples:
            raise ScanCorruptError(
                expected=f"compressed pixels ({syntax.name}) of {shape[1]} x {shape[2]}, "
                "as the file's header says",
                found=f"{found.shape[0]} x {found.shape[1]}" if found else "none",
                remedy="Copy or export the file again.",
                source=source,
            )
