import pytest
import torch

from tumorlens.lab.augmentation import augment, mix_up
from tumorlens.lab.config import AugmentationConfig

OFF = {
    "flip": 0,
    "upside_down": 0,
    "rotation_deg": 0,
    "zoom": 1,
    "stretch": 1,
    "shift": 0,
    "contrast": 1,
    "brightness": 0,
    "gamma": 1,
    "bias_field": 0,
    "noise": 0,
    "curve": 0,
    "amplitude": 0,
    "coarseness": 0,
    "rim": 0,
    "ghosting": 0,
    "motion": 0,
}
PICTURES = torch.rand(6, 1, 32, 32, generator=torch.Generator().manual_seed(0)) * 0.8 + 0.1


def run(seed: int = 0, size: int = 32, **on: float) -> torch.Tensor:
    config = AugmentationConfig(**(OFF | on))
    return augment(PICTURES, config, size=size, generator=torch.Generator().manual_seed(seed))


def test_all_off_changes_nothing() -> None:
    torch.testing.assert_close(run(), PICTURES, atol=1e-5, rtol=0)


def test_flip_mirrors_left_and_right() -> None:
    torch.testing.assert_close(run(flip=1), PICTURES.flip(-1), atol=1e-5, rtol=0)


@pytest.mark.parametrize("setting", list(OFF))
def test_each_setting_changes_pictures_and_stays_in_range(setting: str) -> None:
    likely = dict.fromkeys(("flip", "upside_down", "curve", "amplitude", "coarseness", "rim"), 1)
    strength = ({"rotation_deg": 20} | likely).get(setting, 0.3 + OFF[setting])
    changed = run(**{setting: strength})
    assert changed.shape == PICTURES.shape
    assert not torch.allclose(changed, PICTURES, atol=1e-3)
    assert 0 <= changed.min() <= changed.max() <= 1


def test_the_same_generator_state_gives_the_same_pictures() -> None:
    strong = {"rotation_deg": 20, "noise": 0.1, "gamma": 1.5}
    torch.testing.assert_close(run(seed=3, **strong), run(seed=3, **strong))
    assert not torch.allclose(run(seed=3, **strong), run(seed=4, **strong))


def test_the_border_stays_black_and_the_size_is_as_asked() -> None:
    pictures = torch.zeros(2, 1, 32, 32)
    pictures[:, :, 8:24, 8:24] = 0.5
    config = AugmentationConfig(**(OFF | {"noise": 0.2, "brightness": 0.3}))
    changed = augment(pictures, config, size=16, generator=torch.Generator().manual_seed(0))
    assert changed.shape == (2, 1, 16, 16)
    assert changed[:, :, :3].max() == 0


def test_masks_move_with_their_pictures_and_keep_their_values() -> None:
    masks = torch.zeros(2, 1, 32, 32)
    masks[..., 4:12, 6:14] = 1
    batch = torch.cat([masks * 0.5, masks], dim=1)
    strong = AugmentationConfig(rim=0, noise=0, coarseness=0, brightness=0, curve=0.5, flip=1)
    changed = augment(batch, strong, size=32, generator=torch.Generator().manual_seed(1))
    assert changed.shape == (2, 2, 32, 32)
    torch.testing.assert_close(changed[:, 1:].amax(dim=(1, 2, 3)), torch.ones(2))
    assert not torch.equal(changed[:, 1:], masks)
    inside = changed[:, 1:] > 0.99
    assert (changed[:, :1][~(changed[:, 1:] > 0)] == 0).all()
    assert (changed[:, :1][inside] > 0).all()


def test_a_rim_that_holds_the_tumor_stays() -> None:
    heads = torch.full((1, 1, 32, 32), 0.5)
    corner, middle = torch.zeros(1, 1, 32, 32), torch.zeros(1, 1, 32, 32)
    corner[..., :4, :4], middle[..., 14:18, 14:18] = 1, 1
    config = AugmentationConfig(**(OFF | {"rim": 1}))

    def run_with(mask: torch.Tensor) -> torch.Tensor:
        batch = torch.cat([heads, mask], dim=1)
        return augment(batch, config, size=32, generator=torch.Generator().manual_seed(0))[:, :1]

    torch.testing.assert_close(run_with(corner), heads)
    assert (run_with(middle) == 0).any()


def test_upside_down_mirrors_top_and_bottom() -> None:
    torch.testing.assert_close(run(upside_down=1), PICTURES.flip(-2), atol=1e-5, rtol=0)


def test_mixed_pictures_are_mostly_themselves() -> None:
    config = AugmentationConfig(mixup=0.4)
    mixed, partners, share = mix_up(PICTURES, config, generator=torch.Generator().manual_seed(1))
    assert 0.5 <= share < 1
    expected = share * PICTURES + (1 - share) * PICTURES[partners]
    torch.testing.assert_close(mixed, expected)
    assert sorted(partners.tolist()) == list(range(len(PICTURES)))


def test_without_mixup_nothing_is_drawn() -> None:
    generator = torch.Generator().manual_seed(1)
    before = generator.get_state()
    mixed, _, share = mix_up(PICTURES, AugmentationConfig(), generator=generator)
    assert mixed is PICTURES
    assert share == 1
    assert torch.equal(generator.get_state(), before)
