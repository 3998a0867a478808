"""A tiny real model folder, made without PyTorch, and tiny made-up scans."""

import base64
import hashlib
import signal
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from tumorlens import model as models
from tumorlens.card import Card, write_card
from tumorlens.labels import CLASSES
from tumorlens.measured_outline import VolumeOutline
from tumorlens.model import GRAPH_FILE, WEIGHT_KEY, Model, load_model
from tumorlens.preparation import Preparation
from tumorlens.scan import FloatArray, Scan, Volume
from tumorlens.volume_outlining import whole_head
from tumorlens.volume_outlining.head import Head

from .made_cases import FLAIR_CARD, write_volume_model
from .made_heads import SPOTS, draw_head

SIZE = 64
CHANNELS = 8
STRIDE = 16


def tiny_graph(*, outlines: bool = False) -> bytes:
    """An ONNX graph with the same ends as a real one: convolution, mean, linear layer.

    One that outlines finds what is brighter than 0.75, at half the resolution.
    """
    random = np.random.default_rng(7)
    kernel = random.normal(0, 0.1, (CHANNELS, 1, STRIDE, STRIDE)).astype(np.float32)
    kernel[0] = 1 / STRIDE**2  # how bright it is, so that the answer depends on the scan
    shift = random.normal(0, 0.1, CHANNELS).astype(np.float32)
    linear = random.normal(0, 1.0, (len(CLASSES), CHANNELS)).astype(np.float32)
    linear[:, 0] = (6.0, 1.0, -1.0, -6.0)
    bias = np.array([-1.0, 0.1, 0.0, 1.0], np.float32)
    float32 = TensorProto.FLOAT
    nodes = [
        helper.make_node(
            "Conv", ["pictures", "kernel", "shift"], ["maps"], strides=[STRIDE, STRIDE]
        ),
        helper.make_node("Relu", ["maps"], ["features"]),
        helper.make_node("ReduceMean", ["features", "plane"], ["embedding"], keepdims=0),
        helper.make_node("Gemm", ["embedding", "linear", "bias"], ["logits"], transB=1),
    ]
    side = SIZE // STRIDE
    outline = []
    if outlines:
        half = {"kernel_shape": [2, 2], "strides": [2, 2]}
        nodes += [
            helper.make_node("AveragePool", ["pictures"], ["half"], **half),
            helper.make_node("Sub", ["half", "bright"], ["above"]),
            helper.make_node("Mul", ["above", "sharp"], ["outline"]),
        ]
        shape = ["N", 1, SIZE // 2, SIZE // 2]
        outline = [helper.make_tensor_value_info("outline", float32, shape)]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("pictures", float32, ["N", 1, SIZE, SIZE])],
        [
            helper.make_tensor_value_info("logits", float32, ["N", len(CLASSES)]),
            helper.make_tensor_value_info("embedding", float32, ["N", CHANNELS]),
            helper.make_tensor_value_info("features", float32, ["N", CHANNELS, side, side]),
            *outline,
        ],
        [
            numpy_helper.from_array(kernel, "kernel"),
            numpy_helper.from_array(shift, "shift"),
            numpy_helper.from_array(np.array([2, 3], np.int64), "plane"),
            numpy_helper.from_array(linear, "linear"),
            numpy_helper.from_array(bias, "bias"),
            numpy_helper.from_array(np.float32(0.75), "bright"),
            numpy_helper.from_array(np.float32(40), "sharp"),
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(made, {WEIGHT_KEY: base64.b64encode(linear.tobytes()).decode()})
    onnx.checker.check_model(made)
    return bytes(made.SerializeToString())


def tiny_card(graph: bytes) -> Card:
    return Card(
        name="tiny",
        version="0.0.1",
        classes=CLASSES,
        preparation=Preparation(size=SIZE),
        temperature=1.5,
        sha256=hashlib.sha256(graph).hexdigest(),
        network="tiny",
        licence="Apache-2.0",
        limitations=("Only a test: its answers mean nothing.",),
        scores={"accuracy": {"value": 0.5, "interval": [0.25, 0.75]}, "command": "none"},
    )


def write_tiny_model(folder: Path, *, outlines: bool = False) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    graph = tiny_graph(outlines=outlines)
    (folder / GRAPH_FILE).write_bytes(graph)
    write_card(folder, tiny_card(graph))
    return folder


def head(rows: int = 96, columns: int = 96, *, blob: float = 0.0) -> FloatArray:
    """float32, (rows, columns): a grey ellipse on black with a bright blob in its upper left."""
    row, column = np.mgrid[:rows, :columns].astype(np.float32)
    y, x = (row + 0.5) / rows * 2 - 1, (column + 0.5) / columns * 2 - 1
    inside = (y / 0.75) ** 2 + (x / 0.65) ** 2 < 1
    texture = 90 + 20 * np.sin(7 * x) * np.cos(9 * y)
    spot = blob * (((y + 0.3) ** 2 + (x + 0.25) ** 2) < 0.04)
    return np.where(inside, texture + spot, 0).astype(np.float32)


def write_picture(path: Path, pixels: FloatArray) -> Path:
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)
    return path


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """A shell without job control starts background jobs with SIGINT ignored.

    The commands that tests start would inherit that, and those that tests interrupt go on.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def model(model_folder: Path) -> Model:
    return load_model(model_folder, threads=1)


@pytest.fixture(scope="session")
def outlining_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("outlining"), outlines=True)


@pytest.fixture(scope="session")
def outlining(outlining_folder: Path) -> Model:
    """A model that outlines what is bright."""
    return load_model(outlining_folder, threads=1)


@pytest.fixture(scope="session")
def companion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model for whole heads that takes what is bright in FLAIR for tumor."""
    return write_volume_model(tmp_path_factory.mktemp("companion"), FLAIR_CARD)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Volume]:
    """The volumes that a companion was asked to outline since the test began."""
    found: list[Volume] = []
    outlined = whole_head.outline_whole_head

    def outline_whole_head(
        head: Head, volume: Volume, folder: Path, *, skull_strip: str | None = None
    ) -> VolumeOutline:
        found.append(volume)
        return outlined(head, volume, folder, skull_strip=skull_strip)

    monkeypatch.setattr(whole_head, "outline_whole_head", outline_whole_head)
    return found


@pytest.fixture
def bundled(outlining_folder: Path, companion: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the model that outlines, which is taken for the bundled one."""
    monkeypatch.setattr(models, "DEFAULT_FOLDER", outlining_folder)
    monkeypatch.setattr(models, "WHOLE_TUMOR_FOLDER", companion)
    return outlining_folder


@pytest.fixture
def scan() -> Scan:
    return Scan(head(96, 80, blob=120.0), "scan.png")


@pytest.fixture
def volume() -> Volume:
    """Twelve slices: the first two empty, the brightest blob in slices 6 to 8."""
    blobs = [0, 0, 0, 0, 10, 20, 120, 150, 110, 30, 10, 0]
    voxels = np.stack([head(blob=float(blob)) for blob in blobs])
    voxels[:2] = 0
    return Volume(voxels, "volume.nii.gz", (5.0, 1.0, 1.0))


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    return write_picture(tmp_path / "scan.png", head(96, 80, blob=120.0))


@pytest.fixture(scope="session")
def class_folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of 4 x 12 made-up heads: ``made/Training/glioma_tumor/0.png`` and so on."""
    root = tmp_path_factory.mktemp("data") / "made"
    for number, label in enumerate([*SPOTS, "no_tumor"]):
        name = label if label == "no_tumor" else f"{label}_tumor"
        folder = root / "Training" / name
        folder.mkdir(parents=True)
        for index in range(12):
            picture = draw_head(label, seed=100 * number + index)
            Image.fromarray(picture).save(folder / f"{index}.png")
    return root
