"""Made-up heads in four sequences, and a model folder that outlines them, without PyTorch."""

import hashlib
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tumorlens.model import GRAPH_FILE
from tumorlens.scan import Volume
from tumorlens.volume_outlining.card import VolumeCard, write_volume_card
from tumorlens.volume_outlining.model import INPUT, OUTPUT

BRATS = (Path(__file__).parents[2] / "shared" / "data" / "brats").resolve()
needs_brats = pytest.mark.skipif(not BRATS.is_dir(), reason="../shared/data/brats is not there")

SHAPE = (44, 40, 36)
PATCH = (16, 16, 16)
OLD = {"t1": "t1", "t1c": "t1ce", "t2": "t2", "flair": "flair"}
NEW = {"t1": "t1n", "t1c": "t1c", "t2": "t2w", "flair": "t2f"}
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])

CARD = VolumeCard(
    name="tiny",
    version="0.0.1",
    sequences=("flair", "t1", "t1c", "t2"),
    regions=("WT", "TC", "ET"),
    patch=PATCH,
    spacing_mm=(1.0, 1.0, 1.0),
    axes="LPS",
    overlap=0.5,
    flips=False,
    sequence_dropout=0.0,
    sha256="",
    network="tiny",
    limitations=("Only a test: its answers mean nothing.",),
    licence="Apache-2.0",
)


FLAIR_CARD = replace(CARD, name="tiny flair", sequences=("flair",), spacing_mm=(3.0, 3.0, 3.0))
"""Of a model that outlines `made_flair`."""


def made_flair() -> tuple[Volume, np.ndarray]:
    """FLAIR of `made_head` as a reader gives it, three times as large, and its whole tumor.

    Returns:
        The volume, axial, with voxels of 3 mm, and bool, (slices, rows, columns).
    """
    head = made_head()
    affine = np.array([[0, 0, -3, 0], [0, -3, 0, 0], [3, 0, 0, 0], [0, 0, 0, 1]], np.float64)
    voxels = np.ascontiguousarray(head["flair"].transpose(2, 1, 0), np.float32)
    volume = Volume(voxels, "made_flair.nii.gz", (3.0, 3.0, 3.0), "flair", "axial", affine)
    return volume, head["seg"].transpose(2, 1, 0) > 0


def made_flair_file() -> bytes:
    """The same as a NIfTI file; to be named after FLAIR."""
    affine = np.diag([-3.0, -3.0, 3.0, 1.0])
    return bytes(nibabel.Nifti1Image(made_head()["flair"], affine).to_bytes())


def made_head(scale: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> dict[str, np.ndarray]:
    """An ellipsoid of brain, its tumor to the left, front and top, in LPS order, and labels.

    The whole tumor is bright in FLAIR, its core in T2, what enhances in T1 with contrast.

    Args:
        scale: Size of a voxel along the three axes; the head stays as large in mm.
    """
    random = np.random.default_rng(5)
    shape = [round(side / step) for side, step in zip(SHAPE, scale, strict=True)]
    places = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
    mm = (places + 0.5) * scale
    brain = (((mm - np.divide(SHAPE, 2)) / np.multiply(SHAPE, 0.42)) ** 2).sum(-1) < 1
    away = np.linalg.norm(mm - np.array([27.0, 15.0, 21.0]), axis=-1)
    found = {}
    for number, (name, radius) in enumerate([("t1", 0), ("flair", 8), ("t2", 6), ("t1c", 4)]):
        texture = 90 + 10 * number + random.normal(0, 3, shape)
        found[name] = np.where(brain, texture + 100 * (away < radius), 0).astype(np.int16)
    labels = 2 * (away < 8)
    labels[away < 6], labels[away < 4] = 1, 4
    found["seg"] = (labels * brain).astype(np.uint8)
    return found


def save_case(
    folder: Path,
    head: dict[str, np.ndarray],
    *,
    affine: np.ndarray = LPS,
    names: dict[str, str] = OLD,
    axcodes: str = "",
) -> Path:
    """Write a case as the challenge does; turned in memory where ``axcodes`` says so."""
    folder.mkdir(parents=True, exist_ok=True)
    between = "-" if names is NEW else "_"
    for name, voxels in head.items():
        image = nibabel.Nifti1Image(voxels, affine)
        if axcodes:
            wanted = nibabel.orientations.axcodes2ornt(tuple(axcodes))
            now = nibabel.io_orientation(affine)
            image = image.as_reoriented(nibabel.orientations.ornt_transform(now, wanted))
        file = f"{folder.name}{between}{names.get(name, name)}.nii.gz"
        nibabel.save(image, folder / file)
    return folder


def save_unplaced_case(folder: Path, head: dict[str, np.ndarray], *, step: float) -> Path:
    """Files that say nothing of their axes; of the voxels' size only where the step is above 0."""
    folder.mkdir(parents=True)
    for name, voxels in head.items():
        image = nibabel.Nifti1Image(voxels, None)
        image.header.set_sform(None, code=0)
        image.header.set_qform(None, code=0)
        data = bytearray(image.to_bytes())
        data[80:92] = np.full(3, step, "<f4").tobytes()  # pixdim
        (folder / f"{folder.name}_{OLD.get(name, name)}.nii").write_bytes(data)
    return folder


def write_volume_model(folder: Path, card: VolumeCard = CARD) -> Path:
    """A graph that says a region is where its sequence is bright: one 1 x 1 x 1 convolution."""
    kernel = np.zeros((3, len(card.sequences), 1, 1, 1), np.float32)
    for region, sequence in enumerate(("flair", "t2", "t1c")):
        if sequence in card.sequences:
            kernel[region, card.sequences.index(sequence)] = 8
    bias = np.full(3, -8 * 0.75, np.float32)
    kind = TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node("Conv", [INPUT, "kernel", "bias"], [OUTPUT])],
        "tiny",
        [helper.make_tensor_value_info(INPUT, kind, [1, len(card.sequences), *card.patch])],
        [helper.make_tensor_value_info(OUTPUT, kind, [1, 3, *card.patch])],
        [numpy_helper.from_array(kernel, "kernel"), numpy_helper.from_array(bias, "bias")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(made)
    data = made.SerializeToString()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / GRAPH_FILE).write_bytes(data)
    write_volume_card(folder, replace(card, sha256=hashlib.sha256(data).hexdigest()))
    return folder


def dice(one: np.ndarray, other: np.ndarray) -> float:
    """Of two masks."""
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def brats_cases() -> list[Path]:
    """The folders of the real cases."""
    return sorted(path for path in BRATS.iterdir() if path.is_dir())
