"""Cheng's brain tumor data set: contrast-enhanced T1 slices of 233 patients, three planes.

J. Cheng and others, "Enhanced Performance of Brain Tumor Classification via Tumor Region
Augmentation and Partition", PLoS ONE 10(10), 2015, doi:10.1371/journal.pone.0140381; data:
figshare 1512427 (3,064 slices: 1,426 glioma, 708 meningioma, 930 pituitary; CC BY 4.0). Read
here in its converted form: ``images/N.jpg``, ``masks/N.png``, ``patients.csv`` (index, label, patient).
"""

import csv
from pathlib import Path

from tumorlens.errors import DataError
from tumorlens.lab.datasets.example import Example

_COLUMNS = {"index", "label", "patient"}


def matches(folder: Path) -> bool:
    """Whether ``patients.csv`` and ``images/`` are there."""
    return (folder / "patients.csv").is_file() and (folder / "images").is_dir()


def read(folder: Path) -> list[Example]:
    """One example a slice, grouped by patient.

    Raises:
        DataError: A column is absent, or a slice of the table has no picture.
    """
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
    return Example(
        path=path,
        picture=f"{folder.name}/images/{path.name}",
        label=row["label"],
        group=f"{folder.name}:{row['patient']}",
        patient=row["patient"],
        dataset=folder.name,
        mask=mask if mask.is_file() else None,
    )
