"""What only a GPU shows; skipped where there is none."""

import numpy as np
import pytest
import torch

from tumorlens.lab.augmentation import augment
from tumorlens.lab.config import AugmentationConfig
from tumorlens.lab.transplanting import Labelled, transplant
from tumorlens.lab.within_reach import to_float, within_reach
from tumorlens.labels import CLASSES

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="no GPU here: training on one is not tested"
)


def made_batch() -> Labelled:
    """Eight round heads, the first four with a bright square tumor."""
    rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    inside = ((rows - 32) ** 2 + (columns - 32) ** 2 < 29**2).float()
    layers = torch.zeros(8, 2, 64, 64)
    layers[:, 0] = inside * (0.4 + 0.05 * torch.sin(rows) * torch.cos(columns))
    layers[:4, :, 24:32, 14:22] = 1
    return Labelled(layers, torch.tensor([0, 1, 0, 1, 3, 3, 3, 3]), torch.ones(8, dtype=torch.bool))


def test_pictures_lie_on_the_gpu_and_are_the_same() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 8, 8), np.uint8)
    there = within_reach(pixels, torch.device("cuda"))
    assert isinstance(there, torch.Tensor)
    assert there.device.type == "cuda"
    chosen = np.array([4, 1])
    torch.testing.assert_close(to_float(there, chosen).cpu(), to_float(pixels, chosen))


@pytest.mark.parametrize("seed", range(5))
def test_tumors_move_as_they_do_on_the_cpu(seed: int) -> None:
    config = AugmentationConfig(transplant=0.4, removal=0.3, decoy=0.3)
    here, there = made_batch(), made_batch()
    there = Labelled(there.layers.cuda(), there.targets, there.outlined)
    first, second = (
        transplant(batch, config, classes=CLASSES, generator=torch.Generator().manual_seed(seed))
        for batch in (here, there)
    )
    torch.testing.assert_close(second.layers.cpu(), first.layers, atol=1e-5, rtol=0)
    assert second.targets.tolist() == first.targets.tolist()


def test_changed_pictures_stay_on_the_gpu_and_in_range() -> None:
    config = AugmentationConfig(curve=0.5, amplitude=0.5, coarseness=0.5, rim=0.5)
    generator = torch.Generator().manual_seed(0)
    changed = augment(made_batch().layers.cuda(), config, size=48, generator=generator)
    assert changed.device.type == "cuda"
    assert changed.shape == (8, 2, 48, 48)
    assert 0 <= changed.min() <= changed.max() <= 1
