import pytest
import torch

from tumorlens.lab.artefacts import scanner_artefacts
from tumorlens.lab.config import AugmentationConfig


def heads() -> torch.Tensor:
    """Two bright rectangles on black, of sides that no number of ghosts divides."""
    pictures = torch.zeros(2, 1, 48, 48)
    pictures[..., 15:32, 17:30] = 0.6
    return pictures


def spoilt(seed: int = 0, **on: float) -> torch.Tensor:
    config = AugmentationConfig(**on)
    return scanner_artefacts(heads(), config, torch.Generator().manual_seed(seed))


def test_nothing_happens_and_nothing_is_drawn_by_default() -> None:
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    assert torch.equal(scanner_artefacts(heads(), AugmentationConfig(), generator), heads())
    assert torch.equal(generator.get_state(), before)


def test_ghosts_lie_on_the_background_in_line_with_the_head() -> None:
    for one in spoilt(ghosting=1):
        outside = one[0].clone()
        outside[15:32, 17:30] = 0
        assert outside.max() > 0.02
        across, down = outside[15:32].sum(), outside[:, 17:30].sum()
        assert min(across, down) < 0.05 * max(across, down)  # copies along one direction only


@pytest.mark.parametrize("artefact", ["ghosting", "motion"])
def test_the_head_stays_where_it_is_and_about_as_bright(artefact: str) -> None:
    for seed in range(5):
        changed = spoilt(seed, **{artefact: 1})
        assert not torch.allclose(changed, heads(), atol=0.01)
        assert 0 <= changed.min() <= changed.max() <= 1
        assert changed[..., 20:28, 20:28].mean() == pytest.approx(0.6, abs=0.2)
        assert torch.equal(changed, spoilt(seed, **{artefact: 1}))
