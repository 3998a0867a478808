import pytest
import torch

from tumorlens.lab.config import AugmentationConfig
from tumorlens.lab.transplanting import Labelled, transplant

CLASSES = ("glioma", "meningioma", "pituitary", "no_tumor")
FREE = 3


def head(*, tumor: tuple[int, int] | None, brightness: float) -> torch.Tensor:
    """(2, 64, 64): a round head with texture, and a bright square tumor with its mask."""
    rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    inside = ((rows - 32) ** 2 + (columns - 32) ** 2) < 29**2
    texture = 0.05 * torch.sin(rows * 1.7) * torch.cos(columns * 1.3)
    layers = torch.stack([(brightness + texture) * inside, torch.zeros(64, 64)])
    if tumor:
        row, column = tumor
        layers[0, row : row + 8, column : column + 8] = 0.95
        layers[1, row : row + 8, column : column + 8] = 1
    return layers


def batch(labels: tuple[int, ...], *, outlined: bool = True) -> Labelled:
    """Tumors lie on the left at (24, 14); heads differ in brightness."""
    layers = [
        head(tumor=None if label == FREE else (24, 14), brightness=0.3 + 0.1 * number)
        for number, label in enumerate(labels)
    ]
    known = torch.full((len(labels),), outlined)
    return Labelled(torch.stack(layers), torch.tensor(labels), known)


def run(before: Labelled, seed: int = 0, **chances: float) -> Labelled:
    config = AugmentationConfig(**chances)
    generator = torch.Generator().manual_seed(seed)
    return transplant(before, config, classes=CLASSES, generator=generator)


def moved(before: Labelled, after: Labelled) -> list[int]:
    different = (before.layers[:, 0] != after.layers[:, 0]).flatten(1).any(dim=1)
    return torch.nonzero(different).flatten().tolist()


def test_nothing_happens_where_all_is_off_or_there_is_no_free_class() -> None:
    before = batch((0, FREE))
    assert run(before) is before
    config = AugmentationConfig(removal=1)
    generator = torch.Generator().manual_seed(0)
    assert transplant(before, config, classes=CLASSES[:3], generator=generator) is before


@pytest.mark.parametrize("kind", [0, 1])
def test_a_tumor_moves_into_a_free_head_with_its_mask_and_class(kind: int) -> None:
    before = batch((kind, FREE, FREE, FREE))
    after = next(a for seed in range(20) if moved(before, a := run(before, seed, transplant=1)))
    (index,) = moved(before, after)
    assert after.targets[index] == kind
    torch.testing.assert_close(after.layers[index, 1], before.layers[0, 1])
    tumor, picture = before.layers[0, 1] > 0.5, after.layers[index, 0]
    assert picture[tumor].mean() > before.layers[index, 0][tumor].mean() + 0.2
    assert before.targets.tolist() == [kind, FREE, FREE, FREE]  # the batch given stays


def test_a_pituitary_tumor_is_not_moved() -> None:
    before = batch((2, FREE, FREE, FREE))
    assert not any(moved(before, run(before, seed, transplant=1)) for seed in range(20))


def test_a_removed_tumor_leaves_tissue_of_the_other_side_and_no_mask() -> None:
    before = batch((0, 2))
    after = run(before, removal=1)
    assert moved(before, after) == [0, 1]
    assert after.targets.tolist() == [FREE, FREE]
    assert after.layers[:, 1].max() == 0
    tumor = before.layers[0, 1] > 0.5
    assert after.layers[0, 0][tumor].max() < 0.5  # was 0.95 in a head of 0.3


def test_a_decoy_changes_pixels_beside_the_tumor_but_no_label_and_no_mask() -> None:
    right = head(tumor=(24, 42), brightness=0.5)
    left = batch((0, 1, FREE, FREE))
    before = Labelled(
        torch.cat([left.layers, right[None]]),
        torch.cat([left.targets, torch.tensor([0])]),
        torch.ones(5, dtype=torch.bool),
    )
    changed = set()
    for seed in range(20):
        after = run(before, seed, decoy=1)
        changed |= set(moved(before, after))
        torch.testing.assert_close(after.targets, before.targets)
        torch.testing.assert_close(after.layers[:, 1], before.layers[:, 1])
        for index in moved(before, after):
            tumor = before.layers[index, 1] > 0.5
            torch.testing.assert_close(
                after.layers[index, 0][tumor], before.layers[index, 0][tumor]
            )
    assert changed


def test_pictures_whose_outline_nobody_drew_lose_and_get_nothing() -> None:
    before = batch((0, 1), outlined=False)
    before.layers[:, 1] = 0
    for chance in ("transplant", "removal", "decoy"):
        assert not moved(before, run(before, **{chance: 1.0}))


def test_pixels_stay_in_range_and_black_stays_black() -> None:
    before = batch((0, 1, FREE, FREE))
    after = run(before, transplant=0.4, removal=0.3, decoy=0.3)
    assert 0 <= after.layers.min() <= after.layers.max() <= 1
    assert (after.layers[:, 0][before.layers[:, 0] == 0] == 0).all()
