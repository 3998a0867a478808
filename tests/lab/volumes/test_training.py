from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from tumorlens.errors import ConfigError, TrainingError
from tumorlens.lab.progress import silent
from tumorlens.lab.volumes.exporting import export_volume_model
from tumorlens.lab.volumes.losses import LOSSES, build_loss
from tumorlens.lab.volumes.networks import NETWORKS, build_volume_network
from tumorlens.lab.volumes.run import make_card
from tumorlens.lab.volumes.split import CaseSplit
from tumorlens.lab.volumes.training import (
    VolumeWatch,
    _validate,
    learning_rate,
    train_volumes,
)
from tumorlens.volume_outlining import load_volume_model

from .made import prepared, small


class KilledError(Exception):
    pass


def test_a_killed_run_goes_on_to_the_same_result(tmp_path: Path) -> None:
    config = small(network={"dropout": 0.2}, augmentation={"sequence_dropout": 0.2})
    split = CaseSplit(tuple(prepared(tmp_path, config)[:1]), tuple(prepared(tmp_path, config)[1:]))
    whole = train_volumes(config, split, tmp_path / "whole")

    def kill(record: object) -> None:
        raise KilledError

    with pytest.raises(KilledError):
        train_volumes(config, split, tmp_path / "killed", watch=VolumeWatch(on_epoch=kill))
    resumed = train_volumes(config, split, tmp_path / "killed")
    assert [one.loss for one in resumed.history] == [one.loss for one in whole.history]
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, resumed.network.state_dict()[name])
    assert whole.history[0].dice is None
    assert set(whole.history[1].dice or {}) == {"WT", "TC", "ET"}
    lines = (tmp_path / "whole" / "history.csv").read_text().splitlines()
    assert len(lines) == 3
    assert (tmp_path / "whole" / "curves.png").stat().st_size > 5000
    with pytest.raises(TrainingError, match="very network"):
        train_volumes(small(network={"filters": 8}), split, tmp_path / "whole")


def test_epochs_are_judged_inside_the_head_alone(tmp_path: Path) -> None:
    """As answers are: a network that calls everything tumor is right wherever nothing is."""
    config = small()
    (case,) = prepared(tmp_path, config, 1)
    head = (case.image() != 0).any(axis=0)
    assert not head.all()
    np.save(case.labels_file, np.where(head, 4, 0).astype(case.labels().dtype))

    class Everywhere(torch.nn.Module):
        def forward(self, patch: torch.Tensor) -> torch.Tensor:
            return torch.full((len(patch), 3, *patch.shape[2:]), 9.0)

    fabric = Fabric(accelerator="cpu")
    assert _validate(Everywhere(), fabric, config, [case], silent) == {
        region: pytest.approx(1) for region in config.data.regions
    }


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path: Path) -> None:
    config = small(training={"epochs": 4, "learning_rate": 1e30, "gradient_norm": 1e30})
    one = tuple(prepared(tmp_path, config, 1))
    with pytest.raises(TrainingError, match="NaN or infinity"):
        train_volumes(config, CaseSplit(one, one), tmp_path / "run")


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("regions", [("WT", "TC", "ET"), ("WT",)])
def test_every_network_is_exported_as_it_is(
    name: str, regions: tuple[str, ...], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    config = small(network={"name": name}, data={"regions": regions, "sequences": ["flair", "t1c"]})
    network = build_volume_network(config).eval()
    model = export_volume_model(network, make_card(config, CaseSplit((), ())), tmp_path / "model")
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "card.json",
        "model.onnx",
    ]
    patch = np.random.default_rng(3).standard_normal((1, 2, 32, 32, 32), np.float32)
    with torch.inference_mode():
        expected = network(torch.from_numpy(patch)).numpy()
    found = load_volume_model(tmp_path / "model").run(patch)
    assert found.shape == (1, len(regions), 32, 32, 32)
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert model.card.network == name


@pytest.mark.parametrize("filters", [4, 12, 20])
def test_every_number_of_filters_that_may_be_set_can_be_built(filters: int) -> None:
    for name in ("segresnet", "unet"):
        network = build_volume_network(small(network={"name": name, "filters": filters}))
        with torch.inference_mode():
            assert network(torch.zeros(1, 4, 32, 32, 32)).shape == (1, 3, 32, 32, 32)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_is_lower_for_what_is_right(name: str) -> None:
    loss = build_loss(name)
    truth = (torch.rand(2, 3, 8, 8, 8, generator=torch.Generator().manual_seed(0)) < 0.3).float()
    right, unsure, wrong = (loss(scale * (truth - 0.5), truth) for scale in (16.0, 0.0, -16.0))
    assert right < 0.1 < unsure < wrong


def test_slices_are_outlined_from_their_neighbours_alone() -> None:
    torch.manual_seed(0)
    network = build_volume_network(
        small(network={"name": "tf_efficientnet_lite0_slices"}, training={"patch": [32, 64, 8]})
    ).eval()
    volumes = torch.randn(2, 4, 32, 64, 8)
    changed = volumes.clone()
    changed[1, :, :, :, 6] += 1
    with torch.inference_mode():
        before, after = network(volumes), network(changed)
    assert before.shape == (2, 3, 32, 64, 8)
    moved = (before - after).abs().amax(dim=(1, 2, 3)) > 1e-6
    assert not moved[0].any()
    assert moved[1].tolist() == [False] * 5 + [True] * 3


def test_patches_and_weights_that_a_network_cannot_take_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"multiples of 16, 16 and 16; found \[32, 32, 8\]"):
        build_volume_network(small(training={"patch": [32, 32, 8]}))
    flat = {"name": "tf_efficientnet_lite0_slices"}
    with pytest.raises(ConfigError, match="multiples of 32, 32 and 1"):
        build_volume_network(small(network=flat, training={"patch": [48, 32, 8]}))
    with pytest.raises(ConfigError, match="no dropout"):
        build_volume_network(
            small(network=flat | {"dropout": 0.1}, training={"patch": [32, 32, 8]})
        )
    with pytest.raises(ConfigError, match="weights none"):
        build_volume_network(small(network={"weights": "imagenet"}))


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ConfigError, match="segresnet"):
        build_volume_network(small(network={"name": "segresnett"}))


def test_the_rate_rises_and_falls() -> None:
    settings = small(training={"epochs": 10, "warmup_epochs": 2, "learning_rate": 1.0}).training
    rates = [learning_rate(settings, done) for done in (0, 1, 2, 6, 10)]
    assert rates == pytest.approx([0, 0.5, 1, 0.5, 0])
