from dataclasses import replace

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
    head, _ = made(noise=0.0)
    assert clear_background(head) is head
    one = replace(head, volumes={"flair": head.volumes["flair"]})
    assert clear_background(one) is one


def test_a_lone_sequence_with_noise_at_its_edges_is_cleared() -> None:
    head, inside = made(noise=6.0)
    flair = head.volumes["flair"]
    gaps = np.where(np.arange(SHAPE[2]) % 3 == 0, 0, flair.voxels).astype(np.float32)
    voxels = np.where(inside, flair.voxels, gaps)  # a third of the noise is 0, as in JPEG
    one = replace(head, volumes={"flair": replace(flair, voxels=voxels)})
    seen = clear_background(one).volumes["flair"].voxels > 0
    assert seen[~inside].mean() < 0.12


def test_slices_that_a_sequence_lacks_stay_0() -> None:
    head, _ = made(noise=6.0)
    t1c = head.volumes["t1c"]
    voxels = t1c.voxels.copy()
    voxels[2] = 0
    lacking = replace(head, volumes=dict(head.volumes) | {"t1c": replace(t1c, voxels=voxels)})
    cleared = clear_background(lacking).volumes
    assert not cleared["t1c"].voxels[2].any()
    assert cleared["flair"].voxels[2].any()


def test_a_volume_of_one_value_is_left_alone() -> None:
    flat = Volume(np.full(SHAPE, 7, np.float32), "made", None, "flair")
    head = Head("made", "made", {"flair": flat}, np.eye(4), file=None)  # type: ignore[arg-type]
    assert clear_background(head) is head


def test_the_scale_of_the_voxels_changes_nothing() -> None:
    head, _ = made(noise=6.0)
    tiny = {
        name: replace(one, voxels=one.voxels * np.float32(1e-6))
        for name, one in head.volumes.items()
    }
    small, large = (clear_background(one).volumes for one in (replace(head, volumes=tiny), head))
    for name, volume in large.items():
        np.testing.assert_allclose(small[name].voxels * 1e6, volume.voxels, rtol=1e-3, atol=1e-3)
