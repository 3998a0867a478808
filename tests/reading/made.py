"""Tiny made-up scans, written through the formats' own libraries."""

import gzip
import itertools
import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import gdcm
import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    MRImageStorage,
    RLELossless,
)

from tumorlens.scan import Scan, Volume

GDCM_ONLY = {
    JPEGLossless: gdcm.TransferSyntax.JPEGLosslessProcess14,
    JPEGLosslessSV1: gdcm.TransferSyntax.JPEGLosslessProcess14_1,
    JPEGLSLossless: gdcm.TransferSyntax.JPEGLSLossless,
}

SECRET = "Secret^Patient"
DATA = (Path(__file__).parents[3] / "shared" / "data").resolve()

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not there")


def picture(rows: int = 24, columns: int = 32) -> np.ndarray:
    """uint8, without any symmetry, and noisy so that it cannot be packed well."""
    row, column = np.mgrid[:rows, :columns]
    noise = np.random.default_rng(3).integers(0, 60, (rows, columns))
    return ((row * 4 + column * 3) % 190 + noise).astype(np.uint8)


def block(shape: tuple[int, int, int] = (10, 12, 14)) -> np.ndarray:
    """int16 voxels along R, A, S: every value once, so no turn of it equals another."""
    return (
        (np.random.default_rng(5).permutation(int(np.prod(shape))) - 300)
        .reshape(shape)
        .astype(np.int16)
    )


def affine(spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> np.ndarray:
    """RAS+ with an origin of its own."""
    matrix = np.diag([*spacing, 1.0])
    matrix[:3, 3] = (-31.0, 17.0, 5.0)
    return matrix


def nifti_bytes(voxels: np.ndarray, matrix: np.ndarray | None = None, kind: Any = None) -> bytes:
    made = (kind or nib.Nifti1Image)(voxels, affine() if matrix is None else matrix)
    return bytes(made.to_bytes())


def picture_bytes(pixels: np.ndarray | Image.Image, suffix: str = "PNG", **options: Any) -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    file = BytesIO()
    image.save(file, suffix, **options)
    return file.getvalue()


def dataset(pixels: np.ndarray, **tags: Any) -> FileDataset:
    """An MR image of one frame (rows, columns), or several (frames, rows, columns)."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = MRImageStorage
    made = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    made.SOPClassUID = MRImageStorage
    made.SOPInstanceUID = f"1.2.3.{tags.get('InstanceNumber', 1)}"
    made.Modality = "MR"
    made.PatientName = SECRET
    made.PatientID = SECRET
    made.SeriesInstanceUID = "1.2.3"
    made.SamplesPerPixel = 1 if pixels.ndim < 4 else pixels.shape[-1]
    made.PhotometricInterpretation = "MONOCHROME2"
    made.Rows, made.Columns = pixels.shape[-2:] if pixels.ndim < 4 else pixels.shape[1:3]
    if pixels.ndim > 2:
        made.NumberOfFrames = pixels.shape[0]
    bits = pixels.dtype.itemsize * 8
    made.BitsAllocated = made.BitsStored = bits
    made.HighBit = bits - 1
    made.PixelRepresentation = int(pixels.dtype.kind == "i")
    made.PixelData = pixels.tobytes()
    for keyword, value in tags.items():
        setattr(made, keyword, value)
    made["PixelData"].VR = "OB" if bits == 8 else "OW"
    return made


def dicom_bytes(made: FileDataset, syntax: UID | None = None) -> bytes:
    file = BytesIO()
    if syntax == JPEGBaseline8Bit:
        frame = picture_bytes(made.pixel_array, "JPEG", quality=95)
        made.PixelData = encapsulate([frame])
        made["PixelData"].VR = "OB"
        made.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    elif syntax and syntax not in GDCM_ONLY:
        made.compress(syntax)
    made.save_as(file, enforce_file_format=True)
    return _by_gdcm(file.getvalue(), GDCM_ONLY[syntax]) if syntax in GDCM_ONLY else file.getvalue()


def _by_gdcm(data: bytes, syntax: int) -> bytes:
    """Recompress a DICOM file with GDCM, which works on files only."""
    with tempfile.TemporaryDirectory() as folder:
        plain, packed = str(Path(folder, "plain")), str(Path(folder, "packed"))
        Path(plain).write_bytes(data)
        reader, change, writer = (
            gdcm.ImageReader(),
            gdcm.ImageChangeTransferSyntax(),
            gdcm.ImageWriter(),
        )
        reader.SetFileName(plain)
        assert reader.Read()
        change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        writer.SetFileName(packed)
        assert writer.Write()
        return Path(packed).read_bytes()


def cut(voxels: np.ndarray, matrix: np.ndarray, order: tuple[int, int, int]) -> list[FileDataset]:
    """The slices of a RAS block, with (slice, row, column) along the block's axes ``order``."""
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ matrix
    steps = [lps[:3, axis] for axis in order]
    row_mm, column_mm = (float(np.linalg.norm(step)) for step in steps[1:])
    cosines = [*(steps[2] / column_mm), *(steps[1] / row_mm)]
    return [
        dataset(
            np.ascontiguousarray(pixels),
            ImagePositionPatient=[round(float(x), 6) for x in lps[:3, 3] + index * steps[0]],
            ImageOrientationPatient=[round(float(x), 6) for x in cosines],
            PixelSpacing=[row_mm, column_mm],
            SliceThickness=float(np.linalg.norm(steps[0])),
            InstanceNumber=index + 1,
        )
        for index, pixels in enumerate(voxels.transpose(order))
    ]


def enhanced(voxels: np.ndarray, slopes: list[float] | None = None) -> FileDataset:
    """An Enhanced MR file of axial frames of a RAS block of 1 mm, in mixed order."""
    slices = cut(voxels, affine(), (2, 1, 0))
    mixed = np.random.default_rng(2).permutation(len(slices))
    made = dataset(np.stack([slices[i].pixel_array for i in mixed]))
    made.SOPClassUID = EnhancedMRImageStorage
    made.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    shared, orientation, measures = Dataset(), Dataset(), Dataset()
    orientation.ImageOrientationPatient = slices[0].ImageOrientationPatient
    measures.PixelSpacing = [1.0, 1.0]
    shared.PlaneOrientationSequence = Sequence([orientation])
    shared.PixelMeasuresSequence = Sequence([measures])
    made.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for place, i in enumerate(mixed):
        frame, position, values = Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = slices[i].ImagePositionPatient
        values.RescaleSlope = slopes[place] if slopes else 1.0
        values.RescaleIntercept = 0.0
        frame.PlanePositionSequence = Sequence([position])
        frame.PixelValueTransformationSequence = Sequence([values])
        frames.append(frame)
    made.PerFrameFunctionalGroupsSequence = Sequence(frames)
    return made


def shown(voxels: np.ndarray) -> np.ndarray:
    """What a RAS block must look like as axial slices."""
    return voxels.transpose(2, 1, 0)[:, ::-1, ::-1].astype(np.float32)


def pixels_of(read: Scan | Volume) -> np.ndarray:
    return read.pixels if isinstance(read, Scan) else read.voxels


def turns() -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """All 48 ways in which three axes can be permuted and flipped."""
    orders = itertools.permutations(range(3))
    return list(itertools.product(orders, itertools.product((1, -1), repeat=3)))


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


EXAMPLES: dict[str, dict[str, Callable[[], bytes]]] = {
    "image": {
        "jpeg": lambda: picture_bytes(picture(), "JPEG"),
        "progressive": lambda: picture_bytes(picture(), "JPEG", progressive=True),
        "png": lambda: picture_bytes(picture()),
        "png16": lambda: picture_bytes(picture().astype(np.uint16) * 257),
        "tiff": lambda: picture_bytes(picture(), "TIFF"),
        "tiff-lzw": lambda: picture_bytes(picture(), "TIFF", compression="tiff_lzw"),
        "bmp": lambda: picture_bytes(picture(), "BMP"),
        "webp": lambda: picture_bytes(picture(), "WEBP"),
        "webp-lossless": lambda: picture_bytes(picture(), "WEBP", lossless=True),
    },
    "nifti": {
        "nii": lambda: nifti_bytes(block()),
        "nii2": lambda: nifti_bytes(block(), kind=nib.Nifti2Image),
        "nii.gz": lambda: gzipped(nifti_bytes(block())),
    },
    "dicom": {
        "plain": lambda: dicom_bytes(dataset(picture())),
        "16-bit": lambda: dicom_bytes(cut(block(), affine(), (2, 1, 0))[3]),
        "enhanced": lambda: dicom_bytes(enhanced(block())),
        "rle": lambda: dicom_bytes(dataset(picture()), RLELossless),
        "jpeg": lambda: dicom_bytes(dataset(picture()), JPEGBaseline8Bit),
        "jpeg-lossless": lambda: dicom_bytes(dataset(picture()), JPEGLosslessSV1),
        "jpeg-ls": lambda: dicom_bytes(dataset(picture()), JPEGLSLossless),
        "jpeg-2000": lambda: dicom_bytes(dataset(picture(64, 64)), JPEG2000Lossless),
    },
}
"""Good files of every format, by the keys of `READERS`."""

ALL = [(reader, name) for reader, files in EXAMPLES.items() for name in files]
