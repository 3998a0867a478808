"""Made-up folders in the layouts of the public sets, a few tiny pictures each."""

from pathlib import Path

import h5py
import nibabel
import numpy as np
from PIL import Image

MATLAB_LABELS = {1: "meningioma", 2: "glioma", 3: "pituitary"}


def save(path: Path, value: int = 120, shape: tuple[int, ...] = (16, 16)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full(shape, value, np.uint8)
    pixels[0] = 0  # a picture of one value is refused
    Image.fromarray(pixels).save(path)


def make_cheng(root: Path) -> None:
    save(root / "images" / "1.jpg")
    save(root / "images" / "2.jpg")
    (root / "patients.csv").write_text("index,label,patient\n1,glioma,A\n2,pituitary,B\n")


def save_matlab(path: Path, label: int, patient: str, *, mask_shape: tuple[int, int]) -> None:
    """One slice as MATLAB 7.3 writes it: columns first, text as numbers. 12 rows, 10 columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.arange(120, dtype=np.int16).reshape(12, 10)
    mask = np.zeros(mask_shape, np.uint8)
    mask[2:5, 7] = 1
    with h5py.File(path, "w") as file:
        data = file.create_group("cjdata")
        data["label"] = np.array([[float(label)]])
        data["PID"] = np.array([[ord(character)] for character in patient], np.uint16)
        data["image"] = image.T
        data["tumorMask"] = mask.T


def make_cheng_matlab(root: Path) -> None:
    for number, (label, patient) in enumerate(((1, "100360"), (2, "MR01"), (3, "MR02")), 9):
        save_matlab(root / f"{number}.mat", label, patient, mask_shape=(12, 10))


def make_brisc(root: Path) -> None:
    save(root / "images" / "brisc2025_train_00001_gl_ax_t1.jpg")
    save(root / "images" / "brisc2025_test_00002_no_co_t1.jpg")


BRISC_CLASSES = {"gl": "glioma", "me": "meningioma", "no": "no_tumor", "pi": "pituitary"}


def make_brisc_classification(root: Path) -> None:
    for part in ("train", "test"):
        for short, name in BRISC_CLASSES.items():
            folder = root / "classification_task" / part / name
            save(folder / f"brisc2025_{part}_00001_{short}_sa_t1.jpg")


def make_brisc_segmentation(root: Path) -> None:
    for part in ("train", "test"):
        for short in ("gl", "me", "pi"):
            stem = f"brisc2025_{part}_00001_{short}_sa_t1"
            save(root / "segmentation_task" / part / "images" / f"{stem}.jpg")
            save(root / "segmentation_task" / part / "masks" / f"{stem}.png", 255)


def make_lgg(root: Path, suffix: str = ".png") -> None:
    slices = root / "TCGA_XX_1"
    rgb = np.zeros((16, 16, 3), np.uint8)
    rgb[..., 0], rgb[..., 1], rgb[..., 2] = 50, 100, 100  # no T1 with contrast: FLAIR repeated
    for number, area in ((1, 0), (2, 100), (3, 4)):
        slices.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rgb).save(slices / f"TCGA_XX_1_{number}{suffix}")
        mask = np.zeros(256, np.uint8)
        mask[:area] = 255
        Image.fromarray(mask.reshape(16, 16)).save(slices / f"TCGA_XX_1_{number}_mask{suffix}")


def make_sartaj(root: Path) -> None:
    for half in ("Training", "Testing"):
        for name in ("glioma_tumor", "meningioma_tumor", "no_tumor", "pituitary_tumor"):
            save(root / half / name / "image(1).jpg")


def make_nickparvar(root: Path) -> None:
    for half in ("Training", "Testing"):
        for name in ("glioma", "meningioma", "notumor", "pituitary"):
            save(root / half / name / f"{half[:2]}-{name[:2]}_0010.jpg")


def make_br35h(root: Path) -> None:
    save(root / "no" / "no1.jpg")
    save(root / "yes" / "y1.jpg")
    save(root / "pred" / "pred0.jpg")


def make_navoneel(root: Path) -> None:
    for inner in (root, root / "brain_tumor_dataset"):
        save(inner / "no" / "1 no.jpeg")
        save(inner / "yes" / "Y1.jpg")
        save(inner / "yes" / "Y2.jpg")


HEAD = (30, 28, 20)
"""Voxels of a made-up BraTS head along its three axes."""


def brats_voxels() -> tuple[np.ndarray, np.ndarray]:
    """A box of brain in slices 3 to 17, and labels: 9 x 8 in slice 8, 4 pixels in slice 12."""
    brain = np.zeros(HEAD, np.int16)
    brain[5:25, 4:24, 3:18] = 100
    brain[12:14, 12:14, 2] = 100  # too little to count
    labels = np.zeros(HEAD, np.uint8)
    labels[6:15, 5:13, 8] = 4
    labels[6:8, 5:7, 12] = 2
    return brain, labels


def save_nifti(path: Path, voxels: np.ndarray, affine: np.ndarray | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) if affine is None else affine
    nibabel.save(nibabel.Nifti1Image(voxels, affine), path)


def make_brats_case(folder: Path, sequences: tuple[str, ...], between: str, suffix: str) -> None:
    brain, labels = brats_voxels()
    for number, sequence in enumerate(sequences, 1):
        save_nifti(folder / f"{folder.name}{between}{sequence}{suffix}", brain * number)
    save_nifti(folder / f"{folder.name}{between}seg{suffix}", labels)


def make_brats(root: Path) -> None:
    make_brats_case(root / "BraTS20_Training_001", ("t1", "t1ce", "t2", "flair"), "_", ".nii")


def make_brats_2023(root: Path) -> None:
    for name in ("BraTS-GLI-00000-000", "BraTS-GLI-00000-001", "BraTS-MEN-00004-000"):
        make_brats_case(root / name, ("t1c", "t1n", "t2f", "t2w"), "-", ".nii.gz")


def make_brats2013_slices(root: Path) -> None:
    for number, area in ((10, 0), (11, 100), (12, 4)):
        for sequence in ("flair", "t1ce"):
            save(root / "pat0001" / f"{sequence}_{number:03d}.jpg")
        tissue = np.zeros(256, np.uint8)
        tissue[:area] = 2
        Image.fromarray(tissue.reshape(16, 16)).save(root / "pat0001" / f"seg_{number:03d}.png")


def make_csv(root: Path) -> None:
    for name in ("a.png", "b.png", "c.png"):
        save(root / "pictures" / name)
    (root / "labels.csv").write_text(
        "path,label,patient,split\n"
        "pictures/a.png,glioma_tumor,P1,train\npictures/b.png,notumor,P1,train\n"
        "pictures/c.png,pituitary,,test\n"
    )


def make_class_folders(root: Path) -> None:
    save(root / "Training" / "glioma_tumor" / "1.jpg")
    save(root / "Testing" / "no_tumor" / "2.jpg")


FOUR = {"glioma": 2, "meningioma": 2, "no_tumor": 2, "pituitary": 2}

MAKERS = {
    "cheng": (make_cheng, {"glioma": 1, "pituitary": 1}),
    "brisc": (make_brisc, {"glioma": 1, "no_tumor": 1}),
    "lgg": (make_lgg, {"glioma": 2, "no_tumor": 2}),
    "brats": (make_brats, {"glioma": 4, "no_tumor": 52}),
    "brats2013_slices": (make_brats2013_slices, {"glioma": 2, "no_tumor": 2}),
    "sartaj": (make_sartaj, FOUR),
    "nickparvar": (make_nickparvar, FOUR),
    "navoneel": (make_navoneel, {"no_tumor": 1}),
    "br35h": (make_br35h, {"no_tumor": 1}),
    "csv": (make_csv, {"glioma": 1, "no_tumor": 1, "pituitary": 1}),
    "class_folders": (make_class_folders, {"glioma": 1, "no_tumor": 1}),
}
"""For each data set: what makes a folder of it, and the labels it then has."""
