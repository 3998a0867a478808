import numpy as np
import pytest

from tumorlens.scan import Volume
from tumorlens.volume_outlining.background import clear_background
from tumorlens.volume_outlining.head import Head

SHAPE = (6, 64, 60)


def made(*, noise: float, offset: float = 0.0) -> tuple[Head, np.ndarray]:
    """A head with a bright skull, dark fluid in its middle and noise around it."""
    random = np.random.default_rng(2)
    rows, columns = np.mgrid[: SHAPE[1], : SHAPE[2]]
    away = np.hypot((rows - 31.5) / 26, (columns - 29.5) / 22)
    slices = [away / size for size in (1.0, 1.0, 0.9, 0.8, 0.6)]
    inside = np.stack([one < 1 for one in slices] + [away < 0])
    tissue = np.stack([np.where(one > 0.9, 200, np.where(one < 0.3, 5, 90)) for one in slices])
    voxels = np.where(inside, np.concatenate([tissue, tissue[:1]]), 0.0) + offset
    names = ("flair", "t1c")
    volumes = {
        name: Volume(
            np.abs(voxels + random.normal(0, noise, SHAPE)).astype(np.float32), "made", None, name
        )
        for name in names
    }
    return Head("made", "made", volumes, np.eye(4), file=None), inside  # type: ignore[arg-type]


@pytest.mark.parametrize("offset", [0.0, 30.0])
def test_noise_around_the_head_becomes_0_and_dark_fluid_stays(offset: float) -> None:
    head, inside = made(noise=6.0, offset=offset)
    for name, volume in clear_background(head).volumes.items():
        seen = volume.voxels > 0
        assert seen[inside].mean() > 0.99, name
        assert seen[~inside].mean() < 0.12, name  # smoothing widens the rim by a voxel or two
        assert not seen[-1].any(), "a slice above the head"
        middle = np.s_[0, 30:34, 28:32]
        assert (volume.voxels[middle] > 0).all()
        assert volume.voxels[middle].max() < 50
        assert volume.sequence == name


def test_a_head_without_skull_stays_as_it_is() -> None:
    head, inside = made(noise=0.0)
    stripped = clear_background(head)
    assert stripped is head or all(
        np.array_equal(stripped.volumes[name].voxels > 0, head.volumes[name].voxels > 0)
        for name in head.volumes
    )
    assert ((head.volumes["flair"].voxels == 0) == ~inside).all()


def test_a_volume_of_one_value_is_left_alone() -> None:
    flat = Volume(np.full(SHAPE, 7, np.float32), "made", None, "flair")
    head = Head("made", "made", {"flair": flat}, np.eye(4), file=None)  # type: ignore[arg-type]
    assert clear_background(head) is head
