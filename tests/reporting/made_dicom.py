"""A made-up DICOM series as a scanner would export it, and dcmtk where it is installed."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from tests.conftest import head
from tests.reading.made import cut, dataset, dicom_bytes

DCMTK = ("dcmdump", "dsrdump")
needs_dcmtk = pytest.mark.skipif(
    not all(map(shutil.which, DCMTK)), reason="dcmtk is not there (apt-get install dcmtk)"
)

PATIENT = {
    "PatientName": "Muster^Erika",
    "PatientID": "4711",
    "PatientBirthDate": "19700102",
    "PatientSex": "F",
    "StudyDate": "20240305",
    "StudyTime": "101112",
    "AccessionNumber": "A1",
    "StudyID": "S1",
}
STUDY = {
    "StudyInstanceUID": "1.2.3.4.5",
    "FrameOfReferenceUID": "1.2.3.4.6",
    "SeriesInstanceUID": "1.2.3.4.7",
}
BLOBS = (0, 20, 120, 150, 110, 30)


def write_series(folder: Path, **tags: object) -> Path:
    """Six axial slices of heads, the brightest blob in slice 3."""
    folder.mkdir(parents=True)
    heads = np.stack([head(blob=float(blob)) for blob in BLOBS]).astype(np.int16)
    matrix = np.diag([-1.0, -1.0, 5.0, 1.0])
    for index, made in enumerate(cut(heads.transpose(2, 1, 0), matrix, (2, 1, 0))):
        _tag(made, PATIENT | STUDY | {"SOPInstanceUID": f"1.2.3.4.8.{index + 1}"} | tags)
        (folder / f"{index}.dcm").write_bytes(dicom_bytes(made))
    return folder


def write_single(path: Path, **tags: object) -> Path:
    made = dataset(
        head(96, 80, blob=120.0).astype(np.int16),
        ImagePositionPatient=[0, 0, 0],
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        PixelSpacing=[0.5, 0.5],
        SliceThickness=5,
    )
    _tag(made, PATIENT | STUDY | {"SOPInstanceUID": "1.2.3.4.9"} | tags)
    path.write_bytes(dicom_bytes(made))
    return path


def dump(tool: str, *words: object) -> str:
    """What a tool of dcmtk prints of a file; it must find nothing to complain of."""
    done = subprocess.run([tool, *map(str, words)], capture_output=True, text=True, check=True)
    assert not done.stderr.strip(), done.stderr
    return done.stdout


def _tag(made: Dataset, tags: dict[str, object]) -> None:
    """Set elements; those that are None are taken out."""
    for name, value in tags.items():
        if value is not None:
            setattr(made, name, value)
        elif name in made:
            delattr(made, name)
