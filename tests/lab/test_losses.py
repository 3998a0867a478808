import pytest
import torch

from tumorlens.lab.losses import LOSSES


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
