"""BraTS 2013 as pictures: axial slices of FLAIR and T1 with contrast, skull-stripped.

B. H. Menze and others, "The Multimodal Brain Tumor Image Segmentation Benchmark (BRATS)", IEEE
TMI 34(10), 2015, doi:10.1109/TMI.2014.2377694; terms of BraTS 2013. The layout is of a
conversion: ``patNNNN/flair_k.jpg``, ``t1ce_k.jpg`` and ``seg_k.png`` for every slice k with
brain; the outline's values are tissues, 1 to 4, and 0 where there is no tumor. The pictures lie
upside down, with the patient's front at the bottom, unlike volumes as they are read here; they
are given as they are, as `tumorlens predict` sees the files.
"""

import re
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from tumorlens import labels
from tumorlens.errors import DataError
from tumorlens.lab.datasets.example import (
    MIN_TUMOR_PIXELS,
    About,
    Example,
    folders_in,
    picture_name,
    pictures_in,
)

ABOUT = About(
    title="BraTS 2013, slices as pictures",
    content="FLAIR and T1 with contrast, axial, skull-stripped, outlines; .jpg",
    count="30 training cases, as many as were converted",
    labels="glioma where a slice shows tumor, else no_tumor",
    patients=True,
    licence="terms of BraTS 2013, with registration",
    address="https://www.smir.ch/BRATS/Start2013",
    recognised_by="folders pat0001, ... with seg_k.png beside flair_k.jpg and t1ce_k.jpg",
)

SEQUENCES = {"flair": "flair", "t1ce": "t1c"}
"""How the files call the sequences -> what they are called here."""

_PATIENT = re.compile(r"pat\d+$")
_NAME = re.compile(r"(flair|t1ce|seg)_(\d+)$")


def matches(folder: Path) -> bool:
    """Whether folders named ``pat0001`` hold slices with such names."""
    return any(files_of(patient) for patient in patients(folder))


def read(folder: Path) -> list[Example]:
    """One example a slice and sequence, grouped by patient.

    Glioma where the outline has `MIN_TUMOR_PIXELS` in the slice, ``no_tumor`` where it has
    none; slices between the two are left out.

    Raises:
        DataError: A slice lacks its outline or a sequence.
    """
    return [example for patient in patients(folder) for example in _slices(folder, patient)]


def leaves_out(path: Path) -> bool:
    """Slices with a small outline, and the outlines."""
    return _NAME.match(path.stem) is not None and _PATIENT.match(path.parent.name) is not None


def patients(folder: Path) -> list[Path]:
    """The patients' folders in the data set's."""
    return [path for path in folders_in(folder) if _PATIENT.match(path.name)]


def files_of(patient: Path) -> dict[str, dict[int, Path]]:
    """The files of a patient: ``flair``, ``t1ce``, ``seg`` -> slice number -> file."""
    found: dict[str, dict[int, Path]] = {}
    for path in pictures_in(patient):
        if name := _NAME.match(path.stem):
            found.setdefault(name[1], {})[int(name[2])] = path
    return found


def _slices(folder: Path, patient: Path) -> list[Example]:
    files = whole_files(patient)
    areas = {number: _area(path) for number, path in sorted(files["seg"].items())}
    return [
        Example(
            path=files[name][number],
            picture=picture_name(files[name][number], root=folder),
            label=labels.GLIOMA if area else labels.NO_TUMOR,
            group=f"{folder.name}:{patient.name}",
            patient=patient.name,
            dataset=folder.name,
            whole_head=True,
            mask=files["seg"][number] if area else None,
            sequence=sequence,
            plane="axial",
            mask_above=0,
        )
        for name, sequence in SEQUENCES.items()
        for number, area in areas.items()
        if not 0 < area < MIN_TUMOR_PIXELS
    ]


def whole_files(patient: Path) -> dict[str, dict[int, Path]]:
    """The same, with every file of every slice.

    Raises:
        DataError: A slice lacks its outline or a sequence, or there are none.
    """
    files = files_of(patient)
    _refuse_missing(patient, files)
    return files


def _refuse_missing(patient: Path, files: dict[str, dict[int, Path]]) -> None:
    kinds = (*SEQUENCES, "seg")
    every = {number for kind in files.values() for number in kind}
    absent = [
        f"{kind}_{number:03d}"
        for number in sorted(every)
        for kind in kinds
        if number not in files.get(kind, {})
    ]
    if absent or not every:
        raise DataError(
            expected=f"{', '.join(kinds)} of every slice",
            found=f"{len(absent)} missing, the first {absent[0]}" if absent else "no slices",
            remedy="Convert this patient again, or delete the folder.",
            source=str(patient),
        )


def _area(outline: Path) -> int:
    """Pixels of the tumor in a slice."""
    with Pillow.open(outline) as picture:
        return int(np.count_nonzero(np.asarray(picture)))
