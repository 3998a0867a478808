"""The ``.mat`` files of Cheng's data set: MATLAB 7.3, that is HDF5, one group ``cjdata`` each.

MATLAB stores the columns first, so that every array comes out transposed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from tumorlens import labels
from tumorlens.errors import DataError
from tumorlens.scan import FloatArray

_LABELS = {1: labels.MENINGIOMA, 2: labels.GLIOMA, 3: labels.PITUITARY}
_FIELDS = ("PID", "label", "image", "tumorMask")


def read_record(path: Path) -> tuple[str, str]:
    """The label and the patient of one slice; the sizes of picture and outline are compared.

    Raises:
        DataError: The file is damaged, a field is absent, the label is none of 1, 2 and 3, or
            the outline has another size than the picture.
    """
    with _opened(path) as data:
        number = int(np.asarray(data["label"]).ravel()[0])
        shapes = data["image"].shape, data["tumorMask"].shape
        patient = _text(np.asarray(data["PID"]).ravel())
    if number not in _LABELS:
        raise _broken(path, "the label 1, 2 or 3", str(number))
    if shapes[0] != shapes[1] or len(shapes[0]) != 2:
        raise _broken(
            path,
            "an outline of the same size as the picture",
            f"{shapes[1]} for a picture of {shapes[0]}",
        )
    return _LABELS[number], patient


def read_image(path: Path) -> FloatArray:
    """float32, (rows, columns): the slice in the scanner's own units.

    Raises:
        DataError: The file is damaged or has no picture.
    """
    with _opened(path) as data:
        return np.ascontiguousarray(np.asarray(data["image"], np.float32).T)


def read_outline(path: Path) -> FloatArray:
    """float32, (rows, columns): 1 where there is tumor, else 0.

    Raises:
        DataError: The file is damaged or has no outline.
    """
    with _opened(path) as data:
        return np.ascontiguousarray((np.asarray(data["tumorMask"]) > 0).T.astype(np.float32))


@contextmanager
def _opened(path: Path) -> Iterator[h5py.Group]:
    """The group ``cjdata`` of a file, whose damages are errors that name the file."""
    try:
        with h5py.File(path, "r") as file:
            data = file.get("cjdata")
            absent = [name for name in _FIELDS if data is None or name not in data]
            if absent:
                raise _broken(path, f"the fields {', '.join(_FIELDS)}", f"no {', '.join(absent)}")
            yield data
    except OSError as error:
        raise _broken(path, "a whole MATLAB 7.3 file", "one that cannot be read") from error


def _text(characters: np.ndarray) -> str:
    """A MATLAB string (its characters' codes), or a number, as text."""
    if characters.dtype == np.uint16:
        return "".join(map(chr, characters)).strip()
    return str(characters[0])


def _broken(path: Path, expected: str, found: str) -> DataError:
    return DataError(
        expected=expected,
        found=found,
        remedy="Unpack or download this part of the data set again.",
        source=str(path),
    )
