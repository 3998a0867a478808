"""The loop learns, resumes to the same result, and says when it cannot go on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tumorlens.errors import ConfigError, TrainingError
from tumorlens.lab import networks, training
from tumorlens.lab.bench import set_up
from tumorlens.lab.checkpoint import load_checkpoint, save_checkpoint
from tumorlens.lab.config import Config, parse_config
from tumorlens.lab.datasets import load_examples
from tumorlens.lab.networks import Backbone
from tumorlens.lab.pictures import Pictures, load_pictures
from tumorlens.lab.splitting import Split, split_by_group
from tumorlens.lab.training import BEST, FINISHED, LAST, Trained, predict_logits, train
from tumorlens.labels import CLASSES


def tiny_backbone() -> Backbone:
    features = torch.nn.Sequential(
        torch.nn.Conv2d(1, 16, 3, padding=1, stride=2),
        torch.nn.BatchNorm2d(16),
        torch.nn.ReLU(),
        torch.nn.Dropout2d(0.1),
        torch.nn.Conv2d(16, 32, 3, padding=1, stride=2),
        torch.nn.BatchNorm2d(32),
        torch.nn.ReLU(),
    )
    return Backbone(features, 32, (features[0],), 0.5, 0.5)


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setitem(networks.NETWORKS, "tiny", lambda _: tiny_backbone())
    return parse_config(
        {
            "preparation": {"size": 32},
            "network": {"name": "tiny"},
            "training": {"epochs": 4, "batch_size": 8, "learning_rate": 0.01, "seed": 5},
            "data": {"folds": 3, "share": {"made": 0.9}},
        }
    )


@pytest.fixture
def data(class_folders: Path, config: Config) -> tuple[Pictures, Split]:
    pictures = load_pictures(load_examples(class_folders), config.preparation.build())
    return pictures, split_by_group(pictures.examples, folds=3, fold=0, seed=0)


def weights(trained: Trained) -> np.ndarray:
    return torch.cat([w.flatten() for w in trained.network.parameters()]).detach().numpy()


def test_it_learns_to_tell_made_up_heads_apart(
    config: Config, data: tuple[Pictures, Split], tmp_path: Path
) -> None:
    longer = config.training.model_copy(update={"epochs": 25, "patience": 25})
    trained = train(config.model_copy(update={"training": longer}), *data, CLASSES, tmp_path)
    assert trained.history[-1].training_loss < 0.85 * trained.history[0].training_loss
    assert max(record.validation_accuracy for record in trained.history) >= 0.6
    assert (tmp_path / "history.csv").read_text().count("\n") == len(trained.history) + 1
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_seed_gives_the_same_weights(
    config: Config, data: tuple[Pictures, Split], tmp_path: Path
) -> None:
    first = train(config, *data, CLASSES, tmp_path / "a")
    second = train(config, *data, CLASSES, tmp_path / "b")
    np.testing.assert_array_equal(weights(first), weights(second))


MOVED = {"transplant": 0.3, "removal": 0.3, "decoy": 0.3, "blend": 0.5}
GROWING = {"epochs": 4, "batch_size": 8, "first_size": 32, "size": 64}


@pytest.mark.parametrize(
    ("killed_in", "changes"),
    [
        (2, {}),
        (3, {}),
        (2, {"augmentation": MOVED, "training": GROWING}),
    ],
)
def test_a_killed_run_resumes_to_the_same_result(
    config: Config,
    data: tuple[Pictures, Split],
    tmp_path: Path,
    killed_in: int,
    changes: dict[str, dict[str, float]],
) -> None:
    config = parse_config(config.model_dump() | changes)

    def kill(epoch: int, done: int, _: int) -> None:
        if epoch == killed_in and done == 2:
            raise KeyboardInterrupt

    unbroken = train(config, *data, CLASSES, tmp_path / "unbroken")
    with pytest.raises(KeyboardInterrupt):
        train(config, *data, CLASSES, tmp_path / "killed", on_batch=kill)
    resumed = train(config, *data, CLASSES, tmp_path / "killed")
    np.testing.assert_array_equal(weights(unbroken), weights(resumed))
    assert [replace(r, seconds=0) for r in unbroken.history] == [
        replace(r, seconds=0) for r in resumed.history
    ]


def test_it_stops_when_validation_stalls(
    config: Config, data: tuple[Pictures, Split], tmp_path: Path
) -> None:
    still = config.training.model_copy(update={"epochs": 30, "patience": 2, "learning_rate": 1e-12})
    trained = train(config.model_copy(update={"training": still}), *data, CLASSES, tmp_path)
    assert len(trained.history) < 30


def test_the_best_epoch_is_kept(
    config: Config, data: tuple[Pictures, Split], tmp_path: Path
) -> None:
    pictures, split = data
    whole = config.data.model_copy(update={"share": {}})
    trained = train(config.model_copy(update={"data": whole}), pictures, split, CLASSES, tmp_path)
    best = min(trained.history, key=lambda record: record.validation_loss)
    chosen = list(split.validation)
    logits = predict_logits(trained.network, pictures.pixels[chosen])
    targets = np.array([CLASSES.index(pictures.examples[i].label) for i in chosen])
    assert (logits.argmax(1) == targets).mean() == pytest.approx(best.validation_accuracy)


def test_a_diverging_loss_is_an_error(
    config: Config, data: tuple[Pictures, Split], tmp_path: Path
) -> None:
    wild = config.training.model_copy(update={"learning_rate": 1e30, "warmup_epochs": 0})
    with pytest.raises(TrainingError, match="NaN or infinity"):
        train(config.model_copy(update={"training": wild}), *data, CLASSES, tmp_path)


def test_weights_that_are_spoilt_by_the_last_step_are_an_error(
    config: Config,
    data: tuple[Pictures, Split],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def spoilt(*_: object, **__: object) -> np.ndarray:
        return np.full((len(data[1].validation), len(CLASSES)), np.nan, np.float32)

    whole = config.data.model_copy(update={"share": {}})
    monkeypatch.setattr(training, "predict_logits", spoilt)
    with pytest.raises(TrainingError, match="NaN or infinity in epoch 1"):
        train(config.model_copy(update={"data": whole}), *data, CLASSES, tmp_path)


def test_a_damaged_checkpoint_is_an_error(
    config: Config, data: tuple[Pictures, Split], tmp_path: Path
) -> None:
    (tmp_path / LAST).parent.mkdir(parents=True)
    (tmp_path / LAST).write_bytes(b"damaged")
    with pytest.raises(TrainingError, match="cannot be read"):
        train(config, *data, CLASSES, tmp_path)


def test_a_checkpoint_without_a_history_is_an_error(
    config: Config, data: tuple[Pictures, Split], tmp_path: Path
) -> None:
    brief = changed(config, {"training": {"epochs": 1}})
    train(brief, *data, CLASSES, tmp_path)
    for history in ({}, {"history": []}, {"history": [{"epoch": 1, "colour": 2}]}):
        bench = set_up(brief, *data, CLASSES)
        load_checkpoint(tmp_path / LAST, bench.bare, bench.optimizer)
        save_checkpoint(tmp_path / LAST, bench.bare, bench.optimizer, history)
        with pytest.raises(TrainingError, match="no history"):
            train(brief, *data, CLASSES, tmp_path)


def test_a_checkpoint_of_another_network_is_an_error(
    config: Config,
    data: tuple[Pictures, Split],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train(config, *data, CLASSES, tmp_path)
    other = config.network.model_copy(update={"name": "custom_cnn"})
    with pytest.raises(TrainingError, match="do not fit"):
        train(config.model_copy(update={"network": other}), *data, CLASSES, tmp_path)


TECHNIQUES = {
    "focal": {"training": {"loss": "focal"}},
    "balanced": {"training": {"sampler": "balanced"}},
    "mixup": {"augmentation": {"mixup": 0.4}},
    "mixup with outlines": {
        "augmentation": {"mixup": 0.4},
        "network": {"name": "custom_cnn", "outlines": True},
        "training": {"attention_weight": 0.1},
    },
    "thawing": {"network": {"frozen_stages": 1}, "training": {"unfreeze_every": 1}},
    "rates by depth": {"training": {"depth_decay": 0.5}},
    "cycles": {"training": {"cycles": 2}},
    "smote": {"training": {"smote": True}},
}


def changed(config: Config, changes: dict[str, dict[str, object]]) -> Config:
    sections = {
        name: getattr(config, name).model_copy(update=values) for name, values in changes.items()
    }
    return config.model_copy(update=sections)


@pytest.mark.parametrize("technique", list(TECHNIQUES))
def test_each_technique_changes_the_outcome_and_resumes_to_the_same(
    config: Config, data: tuple[Pictures, Split], tmp_path: Path, technique: str
) -> None:
    def kill(epoch: int, done: int, _: int) -> None:
        if (epoch, done) == (2, 1):
            raise KeyboardInterrupt

    brief = changed(config, {"training": {"epochs": 2}})
    with_it = changed(brief, TECHNIQUES[technique])
    first = train(with_it, *data, CLASSES, tmp_path / "a")
    plain = train(brief, *data, CLASSES, tmp_path / "plain")
    assert weights(first).shape != weights(plain).shape or not np.array_equal(
        weights(first), weights(plain)
    )
    with pytest.raises(KeyboardInterrupt):
        train(with_it, *data, CLASSES, tmp_path / "b", on_batch=kill)
    second = train(with_it, *data, CLASSES, tmp_path / "b")
    np.testing.assert_array_equal(weights(first), weights(second))


def test_a_snapshot_is_kept_of_each_cycle(
    config: Config, data: tuple[Pictures, Split], tmp_path: Path
) -> None:
    train(changed(config, {"training": {"cycles": 2}}), *data, CLASSES, tmp_path)
    names = {path.name for path in (tmp_path / "checkpoints").iterdir()}
    assert names == {
        "best.safetensors",
        "last.safetensors",
        "snapshot_1.safetensors",
        "snapshot_2.safetensors",
    }


def test_smote_changes_the_linear_layer_alone(
    config: Config, data: tuple[Pictures, Split], tmp_path: Path
) -> None:
    plain = train(config, *data, CLASSES, tmp_path / "a").network.state_dict()
    filled = train(changed(config, {"training": {"smote": True}}), *data, CLASSES, tmp_path / "b")
    different = {
        key
        for key, value in filled.network.state_dict().items()
        if not torch.equal(value, plain[key])
    }
    assert different == {"linear.weight", "linear.bias"}


def test_smote_sees_pictures_of_the_size_that_will_be_answered(
    config: Config,
    data: tuple[Pictures, Split],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes: list[int | None] = []

    def look(*given: object, size: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        sizes.append(size)
        return real(*given, size=size)

    real = training.look
    monkeypatch.setattr(training, "look", look)
    brief = {"training": {"smote": True, "epochs": 1}, "card": {"size": 32}}
    larger = {"preparation": {"size": 48}}
    train(changed(config, brief | larger), *data, CLASSES, tmp_path)
    assert sizes == [32]


def test_what_smote_made_is_kept_beside_the_best_epoch(
    config: Config, data: tuple[Pictures, Split], tmp_path: Path
) -> None:
    filled = changed(config, {"training": {"smote": True}})
    trained = train(filled, *data, CLASSES, tmp_path / "smote")
    plain = train(config, *data, CLASSES, tmp_path / "plain")
    assert not (tmp_path / "plain" / FINISHED).exists()
    for path, expected in ((FINISHED, trained), (BEST, plain)):
        again = train(config, *data, CLASSES, tmp_path / "plain").network
        load_checkpoint(tmp_path / "smote" / path, again)
        for key, value in again.state_dict().items():
            assert torch.equal(value, expected.network.state_dict()[key]), key


def test_a_run_killed_while_smote_retrains_keeps_nothing_half_done(
    config: Config,
    data: tuple[Pictures, Split],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    filled = changed(config, {"training": {"smote": True}})
    unbroken = train(filled, *data, CLASSES, tmp_path / "unbroken")

    def half(linear: torch.nn.Linear, *_: object) -> None:
        torch.nn.init.zeros_(linear.weight)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(training, "retrain_linear", half)
        with pytest.raises(KeyboardInterrupt):
            train(filled, *data, CLASSES, tmp_path / "killed")
    assert not (tmp_path / "killed" / FINISHED).exists()
    for _ in ("resumed", "finished already"):
        resumed = train(filled, *data, CLASSES, tmp_path / "killed")
        np.testing.assert_array_equal(weights(unbroken), weights(resumed))
        for name in (BEST, FINISHED):
            kept = (tmp_path / "killed" / name).read_bytes()
            assert kept == (tmp_path / "unbroken" / name).read_bytes()


def test_pictures_too_small_for_the_network_are_refused(
    config: Config, data: tuple[Pictures, Split], tmp_path: Path
) -> None:
    small = {"network": {"name": "inception_v3"}}
    answers_small = small | {"preparation": {"size": 80}, "card": {"size": 64}}
    for changes in (small, answers_small):
        with pytest.raises(ConfigError, match="at least 75"):
            train(changed(config, changes), *data, CLASSES, tmp_path)
