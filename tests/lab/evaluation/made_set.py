"""A folder of data with all that the standing checks look at, small enough for seconds."""

import csv
from pathlib import Path

import nibabel as nib
import numpy as np
from PIL import Image

SIZE = 64
PATIENTS = 6


def write_data(root: Path, class_folders: Path) -> Path:
    """``made/`` (class folders), ``slices/`` (BraTS 2013, 6 patients) and ``volumes/``."""
    root.mkdir()
    (root / "made").symlink_to(class_folders)
    for patient in range(PATIENTS):
        write_patient(root / "slices" / f"pat{patient:04d}", patient)
    (root / "volumes").mkdir()
    voxels = np.stack([draw_skull(seed=k) for k in range(6)], axis=-1)
    nib.save(
        nib.Nifti1Image(voxels.astype(np.int16), np.diag([3.0, 3, 5, 1])),
        root / "volumes" / "healthy.nii.gz",
    )
    return root


def write_patient(folder: Path, patient: int) -> None:
    """Four slices of two sequences, every other one with a tumor."""
    folder.mkdir(parents=True)
    for number in range(4):
        tumor = tumor_mask(column=0.38 + 0.04 * (patient % 3)) & bool(number % 2)
        for sequence in ("flair", "t1ce"):
            picture = np.where(tumor, 255, draw_skull(seed=10 * patient + number))
            path = folder / f"{sequence}_{number:03d}.jpg"
            Image.fromarray(picture.astype(np.uint8)).save(path, quality=95)
        Image.fromarray(tumor.astype(np.uint8) * 4).save(folder / f"seg_{number:03d}.png")


def draw_skull(seed: int) -> np.ndarray:
    """uint8, (size, size): a gray brain within a bright skull."""
    rows, columns = np.mgrid[:SIZE, :SIZE] / SIZE - 0.5
    reach = (rows / 0.46) ** 2 + (columns / 0.4) ** 2
    noise = np.random.default_rng(seed).normal(90, 5, (SIZE, SIZE))
    return np.where(reach > 1, 0, np.where(reach > 0.85, 250, noise)).astype(np.uint8)


def tumor_mask(*, column: float) -> np.ndarray:
    """bool, (size, size): a disc left of the middle."""
    rows, columns = np.mgrid[:SIZE, :SIZE] / SIZE
    return np.asarray((rows - 0.45) ** 2 + (columns - column) ** 2 < 0.08**2)


def write_split(path: Path, pictures: dict[str, tuple[str, str]]) -> Path:
    """A ``split.csv``: picture -> (group, part)."""
    with path.open("w", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(("picture", "label", "group", "part"))
        for picture, (group, part) in pictures.items():
            label = picture.split("/")[-2].removesuffix("_tumor")
            writer.writerow((picture, label if label != "no" else "no_tumor", group, part))
    return path


def made_split(path: Path) -> Path:
    """Of ``made/``: of each class eight pictures train, and four validate."""
    folders = {"glioma_tumor", "meningioma_tumor", "pituitary_tumor", "no_tumor"}
    return write_split(
        path,
        {
            f"made/Training/{folder}/{index}.png": (
                f"{folder}{index}",
                "validation" if index % 3 == 0 else "training",
            )
            for folder in sorted(folders)
            for index in range(12)
        },
    )
