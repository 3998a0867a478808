import optuna
import pytest

from tumorlens.lab.config import AugmentationConfig, Config, parse_config
from tumorlens.lab.space import SPACE, scaled


def test_augmentation_is_scaled_within_its_limits() -> None:
    config = AugmentationConfig(flip=0.6, zoom=1.5, rotation_deg=20)
    off, same, strong = (scaled(config, strength) for strength in (0, 1, 2))
    assert off["flip"] == off["rotation_deg"] == 0
    assert off["zoom"] == off["contrast"] == 1
    assert AugmentationConfig(**same) == config
    assert strong["zoom"] == pytest.approx(2.25)
    assert strong["flip"] == 0.6
    assert scaled(AugmentationConfig(flip=0.4), 2)["flip"] == 0.5
    assert strong["rotation_deg"] == 40


def test_every_draw_gives_settings_that_are_valid() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(20):
        trial = study.ask()
        values = Config().model_dump(exclude_none=True)
        for draw in SPACE.values():
            for section, changes in draw(trial, Config()).items():
                values[section] |= changes
        parse_config(values)
        assert set(trial.params) == set(SPACE)


def test_stages_are_frozen_only_where_they_hold_something() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    pretrained = parse_config({"network": {"name": "resnet50", "weights": "imagenet"}})
    draws = [SPACE["frozen_stages"](study.ask(), pretrained) for _ in range(20)]
    assert {one["network"]["frozen_stages"] for one in draws} == {0, 1, 2, 3, 4}
    untrained = [SPACE["frozen_stages"](study.ask(), Config()) for _ in range(3)]
    assert all(one["network"]["frozen_stages"] == 0 for one in untrained)
