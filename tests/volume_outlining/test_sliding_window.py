import numpy as np
import pytest

from tumorlens.volume_outlining.sliding_window import gaussian, slide, starts


@pytest.mark.parametrize(
    ("shape", "patch", "overlap"),
    [
        ((40, 33, 21), (16, 16, 16), 0.5),
        ((40, 33, 21), (32, 16, 8), 0.25),
        ((10, 33, 16), (16, 32, 16), 0.6),
        ((16, 16, 16), (16, 16, 16), 0.5),
    ],
)
def test_it_is_what_monai_does(
    shape: tuple[int, int, int], patch: tuple[int, int, int], overlap: float
) -> None:
    torch = pytest.importorskip("torch")
    inferers = pytest.importorskip("monai.inferers")
    volume = np.random.default_rng(0).standard_normal((2, *shape), np.float32)
    ramp = np.linspace(0, 1, int(np.prod(patch)), dtype=np.float32).reshape(patch)

    def network(patches: np.ndarray) -> np.ndarray:  # what it says depends on the place in it
        return np.concatenate([patches * ramp, np.tanh(patches) + ramp], axis=1)

    expected = inferers.sliding_window_inference(
        torch.from_numpy(volume)[None],
        patch,
        1,
        lambda patches: torch.from_numpy(network(patches.numpy())),
        overlap=overlap,
        mode="gaussian",
    )
    found = slide(volume, network, patch=patch, overlap=overlap)
    np.testing.assert_allclose(found, expected[0].numpy(), atol=2e-5)


def test_every_voxel_is_seen_once_where_patches_do_not_overlap() -> None:
    assert starts(32, 16, 0.0) == [0, 16]
    assert starts(33, 16, 0.0) == [0, 16, 17]
    assert starts(16, 16, 0.5) == [0]


def test_the_middle_counts_most() -> None:
    weights = gaussian((8, 6, 4))
    assert weights.shape == (8, 6, 4)
    assert weights.argmax() == np.ravel_multi_index((3, 2, 1), weights.shape)
    assert weights.min() > 0
