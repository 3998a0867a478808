import pytest
import torch

from tumorlens.lab.config import TrainingConfig
from tumorlens.lab.networks import build_network
from tumorlens.lab.optimizing import (
    build_optimizer,
    ends_cycle,
    frozen_stages,
    learning_rate,
    set_rate,
)


def test_biases_and_batch_norm_are_spared_the_decay_and_frozen_weights_are_left_out() -> None:
    network = build_network("custom_cnn", classes=4, frozen_stages=1)
    decayed, spared = build_optimizer(network, TrainingConfig(weight_decay=0.1)).param_groups
    assert decayed["weight_decay"] == 0.1
    assert spared["weight_decay"] == 0
    assert all(weight.ndim > 1 for weight in decayed["params"])
    learning = [weight for weight in network.parameters() if weight.requires_grad]
    assert len(decayed["params"]) + len(spared["params"]) == len(learning)


def test_deeper_stages_learn_faster() -> None:
    network = build_network("custom_cnn", classes=4)
    optimizer = build_optimizer(network, TrainingConfig(depth_decay=0.5))
    set_rate(optimizer, 1.0)
    rates = {
        id(weight): group["lr"] for group in optimizer.param_groups for weight in group["params"]
    }
    stages = [{rates[id(w)] for w in stage.parameters()} for stage in network.stages]
    assert stages == [{1 / 16}, {1 / 8}, {1 / 4}, {1 / 2}]
    assert rates[id(network.linear.weight)] == 1


def test_frozen_stages_thaw_one_by_one() -> None:
    never, often = TrainingConfig(), TrainingConfig(unfreeze_every=2)
    assert [frozen_stages(2, never, epoch) for epoch in (1, 9)] == [2, 2]
    assert [frozen_stages(2, often, epoch) for epoch in range(1, 8)] == [2, 2, 1, 1, 0, 0, 0]


def test_weights_that_will_thaw_are_known_to_the_optimizer() -> None:
    network = build_network("custom_cnn", classes=4, frozen_stages=2)
    optimizer = build_optimizer(network, TrainingConfig(unfreeze_every=1))
    known = sum(len(group["params"]) for group in optimizer.param_groups)
    assert known == len(list(network.parameters()))
    network(torch.rand(2, 1, 32, 32)).logits.sum().backward()
    before = network.stages[0][0].weight.clone()
    optimizer.step()
    assert torch.equal(network.stages[0][0].weight, before)


def test_the_rate_warms_up_and_falls_to_zero() -> None:
    settings = TrainingConfig(epochs=10, warmup_epochs=1, learning_rate=2.0)
    assert learning_rate(settings, 0.5) == pytest.approx(1)
    assert learning_rate(settings, 1) == pytest.approx(2)
    assert learning_rate(settings, 5.5) == pytest.approx(1)
    assert learning_rate(settings, 10) == pytest.approx(0)


def test_each_cycle_is_a_whole_schedule_and_ends_with_a_snapshot() -> None:
    settings = TrainingConfig(epochs=9, cycles=3, warmup_epochs=1, learning_rate=2.0)
    for start in (0, 3, 6):
        assert learning_rate(settings, start + 1) == pytest.approx(2)
        assert learning_rate(settings, start + 2) == pytest.approx(1)
        assert learning_rate(settings, start + 3) == pytest.approx(0, abs=1e-9)
    ends = [ends_cycle(settings, epoch) for epoch in range(1, 10)]
    assert ends == [0, 0, 1, 0, 0, 2, 0, 0, 3]
    assert ends_cycle(TrainingConfig(epochs=3), 3) == 0
