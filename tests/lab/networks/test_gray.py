import pytest
import torch
from torch import nn

from tumorlens.lab.networks.gray import IMAGENET_MEAN, IMAGENET_STD, take_gray


@pytest.mark.parametrize("bias", [True, False])
def test_a_gray_picture_is_answered_as_three_equal_channels(bias: bool) -> None:
    torch.manual_seed(0)
    first = nn.Conv2d(3, 8, 3, padding=1, bias=bias)
    norm = nn.BatchNorm2d(8).eval()
    norm.running_mean.uniform_(-1, 1)
    gray = torch.rand(2, 1, 16, 16)
    mean, std = (torch.tensor(one).view(1, 3, 1, 1) for one in (IMAGENET_MEAN, IMAGENET_STD))
    with torch.no_grad():
        expected = norm(first((gray.expand(2, 3, 16, 16) - mean) / std))
        one_mean, one_std = take_gray(first, norm)
        found = norm(first((gray - one_mean) / one_std))
    inner = (..., slice(1, -1), slice(1, -1))
    torch.testing.assert_close(found[inner], expected[inner], atol=1e-5, rtol=1e-5)
    assert first.weight.shape == (8, 1, 3, 3)


def test_channels_normalised_alike_are_summed_and_nothing_else() -> None:
    first, norm = nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8)
    summed = first.weight.detach().sum(dim=1, keepdim=True)
    assert take_gray(first, norm, mean=(0.5,) * 3, std=(0.5,) * 3) == (0.5, 0.5)
    assert torch.equal(first.weight, summed)
    assert not norm.running_mean.any()
