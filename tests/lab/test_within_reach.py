import numpy as np
import torch

from tumorlens.lab.training import _starts
from tumorlens.lab.within_reach import to_float, within_reach

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 8, 8), np.uint8)


def test_on_the_cpu_pictures_stay_where_they_are() -> None:
    assert within_reach(PIXELS, torch.device("cpu")) is PIXELS


def test_pictures_are_the_same_wherever_they_lie() -> None:
    chosen = np.array([3, 0, 3])
    floats = to_float(PIXELS, chosen)
    assert floats.shape == (3, 1, 8, 8)
    np.testing.assert_allclose(floats[:, 0].numpy(), PIXELS[chosen] / 255, atol=1e-7)
    torch.testing.assert_close(to_float(torch.from_numpy(PIXELS), chosen), floats)


def test_a_gpu_sees_full_batches_only_and_the_cpu_all_but_a_single_last_picture() -> None:
    gpu, cpu = torch.device("cuda"), torch.device("cpu")
    assert list(_starts(10, 4, gpu)) == [0, 4]
    assert list(_starts(8, 4, gpu)) == [0, 4]
    assert list(_starts(3, 4, gpu)) == [0]  # there is nothing else
    assert list(_starts(10, 4, cpu)) == [0, 4, 8]
    assert list(_starts(9, 4, cpu)) == [0, 4]
