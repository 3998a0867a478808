"""Cheng's brain tumor data set: contrast-enhanced T1 slices of 233 patients, three planes.

J. Cheng and others, "Enhanced Performance of Brain Tumor Classification via Tumor Region
Augmentation and Partition", PLoS ONE 10(10), 2015, doi:10.1371/journal.pone.0140381; data:
figshare 1512427 (3,064 slices: 1,426 glioma, 708 meningioma, 930 pituitary; CC BY 4.0). Nanfang
Hospital, Guangzhou, and General Hospital, Tianjin Medical University, 2005 to 2010.

Read in both its forms: as downloaded (``1.mat`` to ``3064.mat``, MATLAB 7.3, in one folder or in
the four that its archives are named after) and converted (``images/N.jpg``, ``masks/N.png``,
``patients.csv`` with the columns index, label, patient).
"""

import csv
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tumorlens.errors import DataError
from tumorlens.lab.datasets.example import About, Example, folders_in, picture_name
from tumorlens.lab.datasets.pixels import load_matlab

ABOUT = About(
    title="Cheng's brain tumor data set (figshare 1512427)",
    content="T1 with contrast, three planes, outlines; .mat",
    count="3,064 slices of 233 patients",
    labels="glioma 1,426, meningioma 708, pituitary 930",
    patients=True,
    licence="CC BY 4.0",
    address="https://figshare.com/articles/dataset/brain_tumor_dataset/1512427",
    recognised_by="1.mat to 3064.mat, also in brainTumorDataPublic_* folders; or patients.csv "
    "beside images/ and masks/",
)

SEQUENCE = "t1c"

PARTS = {
    "brainTumorDataPublic_1766": range(1, 767),
    "brainTumorDataPublic_7671532": range(767, 1533),
    "brainTumorDataPublic_15332298": range(1533, 2299),
    "brainTumorDataPublic_22993064": range(2299, 3065),
}
"""The four archives of the download, and the slices in each; their folders may be named with dashes
(``brainTumorDataPublic_1-766``)."""

_COLUMNS = {"index", "label", "patient"}
_NUMBER = re.compile(r"\d+$")


def matches(folder: Path) -> bool:
    """Whether numbered ``.mat`` files are there, or ``patients.csv`` and ``images/``."""
    return _is_converted(folder) or any(_numbered(folder)) or bool(_part_folders(folder))


def read(folder: Path) -> list[Example]:
    """One example a slice, grouped by patient.

    Raises:
        DataError: Slices, a part of the download or a column are absent, or a file is damaged.
        MissingExtraError: The files are ``.mat``, and h5py is not installed.
    """
    return _read_converted(folder) if _is_converted(folder) else _read_matlab(folder)


def _is_converted(folder: Path) -> bool:
    return (folder / "patients.csv").is_file() and (folder / "images").is_dir()


def _read_matlab(folder: Path) -> list[Example]:
    parts = _part_folders(folder)
    paths = {int(path.stem): path for part in (parts or [folder]) for path in _numbered(part)}
    absent = _missing_slices(paths) if not parts else _missing_parts(parts)
    if absent:
        raise DataError(
            expected="all four parts of the download, 3,064 slices",
            found=f"{len(paths):,} slices; missing: {', '.join(absent)}",
            remedy=f"Download the rest from {ABOUT.address} and unpack it beside these.",
            source=str(folder),
        )
    return [_matlab_example(folder, paths[number]) for number in sorted(paths)]


def _numbered(folder: Path) -> Iterable[Path]:
    return (path for path in folder.glob("*.mat") if _NUMBER.match(path.stem))


def _part_folders(folder: Path) -> list[Path]:
    return [path for path in folders_in(folder) if _part_name(path) in PARTS]


def _part_name(folder: Path) -> str:
    """As in `PARTS`, whether or not the folder has a dash between its two numbers."""
    return folder.name.replace("-", "")


def _missing_parts(parts: list[Path]) -> list[str]:
    """What is absent where the archives were unpacked into a folder each."""
    slices: dict[str, set[str]] = {name: set() for name in PARTS}
    for part in parts:
        slices[_part_name(part)] |= {path.stem for path in _numbered(part)}
    there = {name: len(stems) for name, stems in slices.items()}
    return [
        f"{name} ({there[name]} of {len(numbers)} slices)"
        for name, numbers in PARTS.items()
        if there[name] == 0 or (_is_begun(there[name]) and there[name] < len(numbers))
    ]


def _missing_slices(paths: Iterable[int]) -> list[str]:
    """What is absent where all lie in one folder; nothing where it is a chosen sample."""
    there = {name: len(set(paths) & set(numbers)) for name, numbers in PARTS.items()}
    if not any(_is_begun(count) for count in there.values()):
        return []
    return [
        f"{numbers[0]} to {numbers[-1]} ({there[name]} of {len(numbers)} slices)"
        for name, numbers in PARTS.items()
        if there[name] < len(numbers)
    ]


def _is_begun(count: int) -> bool:
    """Whether so many slices of a part are a broken download, rather than a chosen sample."""
    return count > 766 // 2


def _matlab_example(folder: Path, path: Path) -> Example:
    label, patient = load_matlab().read_record(path)
    return Example(
        path=path,
        picture=picture_name(path, root=folder),
        label=label,
        group=f"{folder.name}:{patient}",
        patient=patient,
        dataset=folder.name,
        mask=path,
        sequence=SEQUENCE,
        mask_above=0,
    )


def _read_converted(folder: Path) -> list[Example]:
    table = folder / "patients.csv"
    with table.open(newline="") as lines:
        reader = csv.DictReader(lines)
        if missing := _COLUMNS - set(reader.fieldnames or ()):
            raise DataError(
                expected="the columns index, label and patient",
                found=f"no column {', '.join(sorted(missing))}",
                remedy="Add it, one line a slice.",
                source=str(table),
            )
        examples = [_example(folder, row) for row in reader]
    if absent := [example.path.name for example in examples if not example.path.is_file()]:
        raise DataError(
            expected=f"a picture in {folder / 'images'} for each line of patients.csv",
            found=f"{len(absent)} missing, the first {absent[0]}",
            remedy="Download the data set again, or delete these lines.",
            source=str(folder),
        )
    return examples


def _example(folder: Path, row: dict[str, str]) -> Example:
    path = folder / "images" / f"{row['index']}.jpg"
    mask = folder / "masks" / f"{row['index']}.png"
    example = Example(
        path=path,
        picture=f"{folder.name}/images/{path.name}",
        label=row["label"],
        group=f"{folder.name}:{row['patient']}",
        patient=row["patient"],
        dataset=folder.name,
        sequence=SEQUENCE,
    )
    return replace(example, mask=mask) if mask.is_file() else example
