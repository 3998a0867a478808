import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.networks.nets import SegResNet

from tests.made_cases import made_head, save_case
from tumorlens.errors import ConfigError, ModelCorruptError, ModelMissingError
from tumorlens.lab.volumes.bundle import import_bundle
from tumorlens.reading.case import find_case
from tumorlens.volume_outlining import load_volume_model, outline_case

NETWORK = {
    "_target_": "SegResNet",
    "blocks_down": [1, 1],
    "blocks_up": [1],
    "init_filters": 8,
    "in_channels": 4,
    "out_channels": 3,
    "dropout_prob": 0.2,
}
METADATA = {
    "version": "0.5.3",
    "intended_use": "This is an example, not to be used for diagnostic purposes",
    "data_source": "made up",
    "eval_metrics": {"val_mean_dice": 0.85},
    "network_data_format": {
        "inputs": {"image": {"channel_def": {"0": "T1c", "1": "T1", "2": "T2", "3": "FLAIR"}}},
        "outputs": {
            "pred": {"channel_def": {"0": "Tumor core", "1": "Whole tumor", "2": "Enhancing tumor"}}
        },
    },
}


def joining(*steps: tuple[int, int]) -> str:
    """How a bundle joins the maps of its channels to labels, the first step first."""
    text = "0"
    for channel, label in reversed(steps):
        text = f"torch.where(x[[{channel}]] > 0, {label}, {text})"
    return f"$lambda x: {text}"


INFERENCE = {
    "imports": ["$import os"],
    "bundle_root": ".",
    "network_def": NETWORK,
    "network": "$@network_def.to(@device)",
    "preprocessing": {
        "_target_": "Compose",
        "transforms": [
            {"_target_": "LoadImaged", "keys": "image"},
            {
                "_target_": "NormalizeIntensityd",
                "keys": "image",
                "nonzero": True,
                "channel_wise": True,
            },
        ],
    },
    "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [32, 32, 32], "overlap": 0.5},
    "postprocessing": {
        "_target_": "Compose",
        "transforms": [
            {"_target_": "Activationsd", "keys": "pred", "sigmoid": True},
            {"_target_": "Invertd", "keys": "pred", "transform": "@preprocessing"},
            {"_target_": "AsDiscreted", "keys": "pred", "threshold": 0.5},
            {"_target_": "Lambdad", "keys": "pred", "func": joining((2, 4), (0, 1), (1, 2))},
            {"_target_": "SaveImaged", "keys": "pred", "output_dir": "@output_dir"},
        ],
    },
}


def made_network() -> SegResNet:
    torch.manual_seed(4)
    settings = {key: value for key, value in NETWORK.items() if key != "_target_"}
    return SegResNet(spatial_dims=3, **settings).eval()


def made_bundle(
    folder: Path, *, metadata: Any = METADATA, inference: Any = INFERENCE, weights: str = "pt"
) -> Path:
    """Laid out as ``brats_mri_segmentation`` of MONAI's model zoo."""
    (folder / "configs").mkdir(parents=True)
    (folder / "models").mkdir()
    (folder / "configs" / "metadata.json").write_text(json.dumps(metadata))
    (folder / "configs" / "inference.json").write_text(json.dumps(inference))
    network = made_network()
    if weights == "pt":
        torch.save(network.state_dict(), folder / "models" / "model.pt")
    if weights == "wrapped":
        torch.save({"model": network.state_dict()}, folder / "models" / "model.pt")
    if weights == "script":
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # bundles hold scripts, which PyTorch gives up
            script = torch.jit.trace(network, torch.zeros(1, 4, 16, 16, 16))
            script.save(folder / "models" / "model.ts")
    return folder


@pytest.mark.parametrize("weights", ["pt", "wrapped", "script"])
def test_a_bundle_becomes_a_model_folder(tmp_path: Path, weights: str) -> None:
    bundle = made_bundle(tmp_path / "brats_mri_segmentation", weights=weights)
    import_bundle(bundle, tmp_path / "model")
    model = load_volume_model(tmp_path / "model")
    card = model.card
    assert card.sequences == ("t1c", "t1", "t2", "flair")
    assert card.regions == ("TC", "WT", "ET")
    assert (card.patch, card.axes, card.overlap) == ((32, 32, 32), "LPS", 0.5)
    assert (card.name, card.version) == ("brats_mri_segmentation", "0.5.3")
    patch = np.random.default_rng(0).standard_normal((1, 4, 32, 32, 32), np.float32)
    with torch.inference_mode():
        expected = made_network()(torch.from_numpy(patch)).numpy()
    np.testing.assert_allclose(model.run(patch), expected, atol=1e-3)
    case = find_case(save_case(tmp_path / "case", made_head()))
    assert case is not None
    answer = outline_case(case, model)
    assert set(answer.volumes_ml) == {"TC", "WT", "ET"}


def test_another_patch_grid_and_axes_are_taken_over(tmp_path: Path) -> None:
    steps = [
        *INFERENCE["preprocessing"]["transforms"],
        {"_target_": "monai.transforms.Orientationd", "keys": "image", "axcodes": "RAS"},
        {"_target_": "Spacingd", "keys": "image", "pixdim": [1.0, 1.0, 2.0]},
    ]
    inference = INFERENCE | {"preprocessing": {"_target_": "Compose", "transforms": steps}}
    bundle = made_bundle(tmp_path / "bundle", inference=inference)
    card = import_bundle(bundle, tmp_path / "model", patch=(24, 16, 16)).card
    assert (card.patch, card.axes, card.spacing_mm) == ((24, 16, 16), "RAS", (1.0, 1.0, 2.0))


def _scaled(changed: dict[str, Any], *steps: dict[str, Any]) -> dict[str, Any]:
    first, last = INFERENCE["preprocessing"]["transforms"]
    return INFERENCE | {"preprocessing": {"transforms": [first, last | changed, *steps]}}


def _afterwards(*steps: dict[str, Any]) -> dict[str, Any]:
    return INFERENCE | {"postprocessing": {"transforms": list(steps)}}


def test_a_bundle_that_says_no_overlap_slides_as_monai_does(tmp_path: Path) -> None:
    inference = INFERENCE | {"inferer": {"roi_size": [32, 32, 32]}}
    bundle = made_bundle(tmp_path / "bundle", inference=inference)
    assert import_bundle(bundle, tmp_path / "model").card.overlap == 0.25


def test_a_bundle_may_call_the_enhancing_tumor_as_of_2023(tmp_path: Path) -> None:
    step = {"_target_": "Lambdad", "func": joining((2, 3), (0, 1), (1, 2))}
    bundle = made_bundle(tmp_path / "bundle", inference=_afterwards(step))
    assert import_bundle(bundle, tmp_path / "model").card.regions == ("TC", "WT", "ET")


def _without(values: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in keys}


@pytest.mark.parametrize(
    ("inference", "said"),
    [
        (_without(INFERENCE, "network_def", "network"), "network_def of one of"),
        (INFERENCE | {"network_def": NETWORK | {"_target_": "os.system"}}, "network_def"),
        (INFERENCE | {"network_def": NETWORK | {"init_filters": "$__import__('os')"}}, "plain"),
        (INFERENCE | {"network_def": NETWORK | {"init_filterz": 8}}, "settings of SegResNet"),
        (INFERENCE | {"network_def": NETWORK | {"init_filters": 16}}, "weights that fit"),
        (INFERENCE | {"preprocessing": {"transforms": []}}, "normalises"),
        (
            INFERENCE | {"preprocessing": {"transforms": [{"_target_": "ScaleIntensityRanged"}]}},
            "ScaleIntensityRanged",
        ),
        (INFERENCE | {"inferer": {"roi_size": "$@patch"}}, "roi_size"),
        (INFERENCE | {"inferer": "$@inferer"}, r"object as inferer; found '\$@inferer'"),
        (INFERENCE | {"inferer": [{"roi_size": [32, 32, 32]}]}, "object as inferer; found"),
        (INFERENCE | {"preprocessing": "$@steps"}, "object as preprocessing; found"),
        (INFERENCE | {"preprocessing": {"transforms": "$@steps"}}, "list as preprocessing"),
        (INFERENCE | {"preprocessing": {"transforms": ["$@step"]}}, "object as a step of"),
        (_scaled({"nonzero": "$@nonzero"}), "normalises"),
        (_scaled({"subtrahend": 1.0, "divisor": 2.0}), "without subtrahend"),
        (_afterwards({"_target_": "Activationsd", "softmax": True}), "softmax of Activationsd"),
        (_afterwards({"_target_": "AsDiscreted", "argmax": True}), "argmax of AsDiscreted"),
        (_afterwards({"_target_": "AsDiscreted", "threshold": 0.9}), r"a threshold of 0\.9"),
        (_afterwards({"_target_": "KeepLargestConnectedComponentd"}), "found KeepLargest"),
        *(
            (_afterwards({"_target_": "Lambdad", "func": func}), "found Lambdad")
            for func in (
                joining((0, 1), (2, 4), (1, 2)),
                joining((2, 1), (0, 4), (1, 2)),
                joining((2, 4), (0, 1)),
                joining((2, 4), (0, 1), (1, 2)) + ".flip(0)",
                "$lambda x: x",
            )
        ),
        (_scaled({}, {"_target_": "Orientationd", "axcodes": "$@axes"}), "axcodes"),
        (_scaled({}, {"_target_": "Orientationd", "axcodes": "RAX"}), "axcodes"),
        *(
            (INFERENCE | {"inferer": {"roi_size": [32, 32, 32], "overlap": overlap}}, "overlap")
            for overlap in ("$@overlap", None, 1, -0.1, True, [0.5, 0.5, 0.5])
        ),
    ],
)
def test_what_cannot_be_taken_over_is_said(tmp_path: Path, inference: Any, said: str) -> None:
    bundle = made_bundle(tmp_path / "bundle", inference=inference)
    with pytest.raises(ModelCorruptError, match=said):
        import_bundle(bundle, tmp_path / "model")
    assert not (tmp_path / "model" / "card.json").exists()


@pytest.mark.parametrize(
    ("side", "key", "channels"),
    [
        ("inputs", "image", {"0": "T1c", "1": "T1", "2": "T2", "3": "ADC"}),
        ("inputs", "image", {"0": "T1c", "1": "T1", "2": "T2", "3": "T2"}),
        ("outputs", "pred", {"0": "background", "1": "Whole tumor", "2": "Enhancing tumor"}),
    ],
)
def test_unknown_channels_are_said(
    tmp_path: Path, side: str, key: str, channels: dict[str, str]
) -> None:
    formats = METADATA["network_data_format"] | {side: {key: {"channel_def": channels}}}
    bundle = made_bundle(tmp_path / "bundle", metadata=METADATA | {"network_data_format": formats})
    with pytest.raises(ModelCorruptError, match=next(reversed(channels.values()))):
        import_bundle(bundle, tmp_path / "model")


def test_missing_or_broken_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match=r"metadata\.json"):
        import_bundle(tmp_path, tmp_path / "model")
    bundle = made_bundle(tmp_path / "bundle", weights="none")
    with pytest.raises(ModelMissingError, match=r"models/model\.pt"):
        import_bundle(bundle, tmp_path / "model")
    (bundle / "models" / "model.pt").write_bytes(b"version https://git-lfs")
    with pytest.raises(ModelCorruptError, match="readable weights"):
        import_bundle(bundle, tmp_path / "model")
    with pytest.raises(ConfigError, match="multiples of 8"):
        import_bundle(made_bundle(tmp_path / "other"), tmp_path / "model", patch=(30, 32, 32))


@pytest.mark.parametrize(
    ("side", "key", "channels", "said"),
    [
        ("outputs", "pred", {"0": "Tumor core", "1": "Whole tumor"}, r"a map for each region"),
        ("inputs", "image", {"0": "T1c", "1": "T1", "2": "FLAIR"}, "network of 3 sequences"),
    ],
)
def test_a_network_of_other_channels_than_the_metadata_is_refused(
    tmp_path: Path, side: str, key: str, channels: dict[str, str], said: str
) -> None:
    formats = METADATA["network_data_format"] | {side: {key: {"channel_def": channels}}}
    bundle = made_bundle(tmp_path / "bundle", metadata=METADATA | {"network_data_format": formats})
    with pytest.raises(ModelCorruptError, match=said):
        import_bundle(bundle, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_the_folder_of_another_kind_of_model_is_left_alone(
    tmp_path: Path, model_folder: Path
) -> None:
    bundle = made_bundle(tmp_path / "bundle")
    mine = Path(shutil.copytree(model_folder, tmp_path / "mine"))
    with pytest.raises(ConfigError, match="found another model"):
        import_bundle(bundle, mine)
    assert (mine / "model.onnx").read_bytes() == (model_folder / "model.onnx").read_bytes()
    for _ in range(2):  # one for volumes is replaced
        import_bundle(bundle, tmp_path / "volumes")
