import pytest
import torch

from tumorlens.lab.losses import LOSSES, attention_loss, focal, outline_loss


@pytest.mark.parametrize("name", list(LOSSES))
def test_the_right_answer_costs_less_and_weights_count(name: str) -> None:
    logits = torch.tensor([[4.0, 0.0], [0.0, 4.0]])
    right, wrong = torch.tensor([0, 1]), torch.tensor([1, 0])
    plain = LOSSES[name](weight=None, label_smoothing=0.0)
    assert plain(logits, right) < plain(logits, wrong)
    first_wrong = torch.tensor([1, 1])
    weighted = LOSSES[name](weight=torch.tensor([1.0, 10.0]), label_smoothing=0.0)
    torch.testing.assert_close(weighted(logits, first_wrong), plain(logits, first_wrong))
    mixed = torch.tensor([[0.0, 0.0], [0.0, 4.0]])  # unsure of class 0, sure of class 1
    assert weighted(mixed, right) < plain(mixed, right)


def test_focal_loss_is_the_published_formula_and_without_focus_cross_entropy() -> None:
    logits, targets = (
        torch.randn(6, 3, generator=torch.Generator().manual_seed(0)),
        torch.arange(6) % 3,
    )
    likelihood = logits.softmax(1)[torch.arange(6), targets]
    expected = -((1 - likelihood) ** 2 * likelihood.log()).mean()
    loss = focal(weight=None, label_smoothing=0.0)
    torch.testing.assert_close(loss(logits, targets), expected)
    weight = torch.tensor([1.0, 2.0, 0.5])
    plain = focal(weight=weight, label_smoothing=0.0, focus=0.0)
    crossed = LOSSES["cross_entropy"](weight=weight, label_smoothing=0.0)
    torch.testing.assert_close(plain(logits, targets), crossed(logits, targets))


def disc(at: tuple[int, int]) -> torch.Tensor:
    """(1, 1, 16, 16): a square tumor."""
    mask = torch.zeros(1, 1, 16, 16)
    mask[..., at[0] : at[0] + 4, at[1] : at[1] + 4] = 1
    return mask


def test_the_right_outline_costs_least_and_unknown_ones_nothing() -> None:
    masks = torch.cat([disc((4, 4)), torch.zeros(1, 1, 16, 16)])
    right, elsewhere = masks * 20 - 10, torch.cat([disc((10, 10)), disc((0, 0))]) * 20 - 10
    known = torch.tensor([True, True])
    assert outline_loss(right, masks, known) < 0.01
    assert outline_loss(elsewhere, masks, known) > 1
    assert outline_loss(elsewhere, masks, ~known) == 0
    half = torch.nn.functional.avg_pool2d(right, 2)
    assert outline_loss(half, masks, known) < 0.01  # coarser logits: masks follow


def test_an_outline_in_a_picture_without_tumor_costs() -> None:
    nothing, known = torch.zeros(1, 1, 16, 16), torch.tensor([True])
    assert outline_loss(disc((0, 0)) * 20 - 10, nothing, known) > 10 * outline_loss(
        nothing - 10, nothing, known
    )


def test_heat_on_the_tumor_costs_less_than_heat_elsewhere() -> None:
    features = torch.zeros(1, 1, 4, 4)
    features[..., 1, 1] = 9.0
    weights = torch.ones(1, 1)
    assert attention_loss(features, weights, disc((4, 4))) < 0.1
    assert attention_loss(features, weights, disc((12, 12))) > 5
    assert attention_loss(features, weights, torch.zeros(1, 1, 16, 16)) == 0
