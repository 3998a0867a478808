import importlib
import sys

import pytest
import torch

from tumorlens.lab import torchvision_import


def test_torchvision_is_importable_and_whole_enough_for_timm() -> None:
    torchvision = torchvision_import.import_torchvision()
    assert torchvision.transforms is not None
    assert importlib.import_module("timm").list_models("tf_efficientnet_lite0")


def test_a_healthy_import_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise AssertionError("a healthy install must not be touched")

    torchvision_import.import_torchvision()
    monkeypatch.setattr(torch.library, "Library", forbidden)
    assert torchvision_import.import_torchvision() is sys.modules["torchvision"]


def test_another_error_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: str) -> None:
        raise RuntimeError("something else")

    monkeypatch.setattr(torchvision_import.importlib, "import_module", broken)
    with pytest.raises(RuntimeError, match="something else"):
        torchvision_import.import_torchvision()
