from pathlib import Path

import numpy as np
import pytest
import torch

from tumorlens.errors import ConfigError
from tumorlens.lab.volumes.losses import build_loss
from tumorlens.lab.volumes.patches import Patches, change, cut
from tumorlens.lab.volumes.settings import VolumeAugmentation

from .made import prepared, small


def test_a_patch_is_the_same_for_the_same_seed_epoch_and_number(tmp_path: Path) -> None:
    config = small(training={"patches": 3})
    cases = prepared(tmp_path, config)
    one, other = Patches(cases, config, 1), Patches(cases, config, 1)
    assert len(one) == 6
    for here, there in zip(one[4], other[4], strict=True):
        assert torch.equal(here, there)
    assert not torch.equal(one[4][0], Patches(cases, config, 2)[4][0])
    image, regions = one[0]
    assert image.shape == (4, 32, 32, 32)
    assert regions.shape == (3, 32, 32, 32)
    assert not (regions[2] > regions[0]).any()


def test_patches_of_tumor_show_it_in_their_middle() -> None:
    random = np.random.default_rng(0)
    labels = np.zeros((60, 50, 40), np.uint8)
    labels[30, 25, 20] = 4
    image = random.random((2, 60, 50, 40), np.float32)
    for _ in range(5):
        shown, found = cut(image, labels, patch=(16, 16, 16), tumor_share=1.0, random=random)
        assert found[8, 8, 8] == 4
        np.testing.assert_array_equal(shown[:, 8, 8, 8], image[:, 30, 25, 20])
    some = [
        cut(image, labels, patch=(16, 16, 16), tumor_share=0.0, random=random)[1].any()
        for _ in range(40)
    ]
    assert sum(some) < 15


def test_heads_smaller_than_a_patch_and_without_tumor_are_filled_up() -> None:
    image = np.ones((1, 10, 40, 9), np.float32)
    shown, labels = cut(
        image,
        np.zeros((10, 40, 9), np.uint8),
        patch=(16, 16, 16),
        tumor_share=1.0,
        random=np.random.default_rng(0),
    )
    assert shown.shape == (1, 16, 16, 16)
    assert shown.sum() == 10 * 16 * 9
    assert not labels.any()


def test_changes_keep_background_and_labels_together() -> None:
    random = np.random.default_rng(1)
    image = np.zeros((4, 8, 8, 8), np.float32)
    image[:, 2:4, 3:5, 1:4] = 1
    labels = (image[0] * 2).astype(np.uint8)
    settings = VolumeAugmentation(flip=0.5, sequence_dropout=0.5)
    kept = []
    for _ in range(30):
        changed, moved = change(image, labels, settings, random)
        assert not changed[:, moved == 0].any()
        present = [bool(channel.any()) for channel in changed]
        kept.append(sum(present))
    assert min(kept) >= 1
    assert len(set(kept)) > 1
    same, _ = change(image, labels, VolumeAugmentation(flip=0, scale=0, shift=0, noise=0), random)
    np.testing.assert_array_equal(same, image)


def test_a_sequence_that_shows_something_always_stays() -> None:
    random = np.random.default_rng(2)
    image = np.zeros((4, 8, 8, 8), np.float32)
    image[2, 2:4] = 1  # the case lacks the others
    labels = (image[2] * 2).astype(np.uint8)
    settings = VolumeAugmentation(sequence_dropout=0.99)
    for _ in range(20):
        assert change(image, labels, settings, random)[0][2].any()
    nothing, _ = change(np.zeros_like(image), labels, settings, random)
    assert not nothing.any()


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"training\.patch"):
        small(training={"patch": [32, 32, 42]})
    with pytest.raises(ConfigError, match=r"Did you mean training\.patches"):
        small(training={"patchs": 3})
    with pytest.raises(ConfigError, match="dice_ce"):
        build_loss("dise_ce")


def test_turning_and_zooming_moves_labels_with_the_image() -> None:
    random = np.random.default_rng(4)
    image = np.zeros((2, 32, 48, 4), np.float32)
    image[:, 10:20, 20:34] = 1
    labels = np.where(image[0] > 0, 2, 0).astype(np.uint8)
    settings = VolumeAugmentation(flip=0, scale=0, shift=0, noise=0, rotation_deg=25, zoom=1.2)
    sizes = []
    for _ in range(12):
        changed, moved = change(image, labels, settings, random)
        assert changed.shape == image.shape
        assert moved.dtype == np.uint8
        assert set(np.unique(moved)) == {0, 2}
        here, there = changed[0] > 0.5, moved > 0
        assert 2 * (here & there).sum() / (here.sum() + there.sum()) > 0.93
        np.testing.assert_array_equal(moved[..., 0], moved[..., 3])
        sizes.append(int(there.sum()))
    assert max(sizes) > 1.15 * labels.astype(bool).sum() > 1.3 * min(sizes)


def test_a_data_set_may_be_drawn_more_often(tmp_path: Path) -> None:
    config = small(data={"repeat": {"data": 3}})
    assert len(Patches(prepared(tmp_path, config), config, 1)) == 6
    assert len(Patches(prepared(tmp_path, small()), small(), 1)) == 2
    wrong = small(data={"repeat": {"brats": 2}})
    cases = prepared(tmp_path, wrong)
    with pytest.raises(ConfigError, match=r"names of data sets that train: data; found brats"):
        Patches(cases, wrong, 1)
