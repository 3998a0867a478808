"""A card names what the models before it learnt from, and their licence."""

from pathlib import Path

import pytest

from tumorlens.lab.config import parse_config
from tumorlens.lab.datasets import load_examples
from tumorlens.lab.lineage import earlier_models, inherited_licence, learnt_from
from tumorlens.lab.splitting import Split
from tumorlens.model import load_model


def test_a_tuned_model_carries_the_bundled_ones_data_and_licence(class_folders: Path) -> None:
    examples = load_examples(class_folders)
    split = Split(tuple(range(1, len(examples))), (0,))
    config = parse_config({"network": {"weights": "bundled"}})
    card = load_model().card
    (earlier,) = earlier_models(config)["earlier_models"]
    assert earlier == card.identity.to_json() | {"licence": card.licence}
    assert inherited_licence(config) == card.licence
    data = learnt_from(config, examples, split)
    own = examples[0].dataset
    assert data.keys() == {own, *card.data}
    assert data["lgg"]["source"].endswith(f", through {card.name} {card.version}")
    assert data["lgg"]["training"] == card.data["lgg"]["training"]
    assert "validation" not in data["lgg"]
    assert data[own]["validation"]["pictures"] == 1


@pytest.mark.parametrize("weights", ["none", "imagenet", "somewhere.safetensors"])
def test_without_earlier_models_there_is_only_its_own(weights: str, class_folders: Path) -> None:
    examples = load_examples(class_folders)
    config = parse_config({"network": {"weights": weights}, "card": {"licence": "CC0"}})
    assert earlier_models(config) == {}
    assert inherited_licence(config) == "CC0"
    found = learnt_from(config, examples, Split((0,), (1,)))
    assert list(found) == [examples[0].dataset]
