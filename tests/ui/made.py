"""Made-up uploads, and the app as a test sees it."""

import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from tests.conftest import head
from tests.reading.made import affine, cut, dicom_bytes, nifti_bytes, picture_bytes
from tumorlens.scan import Volume
from tumorlens.ui.inputs import Upload

APP = Path(__file__).parents[2] / "src" / "tumorlens" / "ui" / "app.py"
VIEWS = APP.parent / "views"


def png(blob: float = 120.0) -> bytes:
    """A made-up head of 96 x 80 pixels as a PNG file."""
    return picture_bytes(head(96, 80, blob=blob).astype("uint8"))


def nifti(volume: Volume) -> bytes:
    """A made-up volume as a NIfTI file of 1 x 1 x 5 mm."""
    voxels = volume.voxels.transpose(2, 1, 0)[::-1, ::-1].copy()
    return nifti_bytes(voxels, affine((1.0, 1.0, 5.0)))


def series(volume: Volume) -> list[bytes]:
    """The same as the files of a DICOM series, in no order."""
    voxels = volume.voxels.transpose(2, 1, 0)[::-1, ::-1].astype(np.int16)
    files = [dicom_bytes(one) for one in cut(voxels, affine((1.0, 1.0, 5.0)), (2, 1, 0))]
    return [files[index] for index in np.random.default_rng(1).permutation(len(files))]


def zipped(members: dict[str, bytes]) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in members.items():
            made.writestr(name, data)
    return file.getvalue()


def upload(name: str, data: bytes) -> Upload:
    return Upload(f"key of {name}", name, data)


def give(at: Any, *files: tuple[str, bytes]) -> Any:
    """Upload files to the app and let it answer."""
    box = at.file_uploader[0]
    box.set_value([(name, data, "application/octet-stream") for name, data in files])
    return at.run()


def said(at: Any) -> str:
    """All that the app says in words."""
    kinds = ("title", "header", "markdown", "caption", "error", "info", "warning", "success")
    return "\n".join(str(one.value) for kind in kinds for one in at.get(kind))
