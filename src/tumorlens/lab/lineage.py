"""What a network has learnt from: its own data, and what the models before it learnt from.

A network that begins from a finished model, or learns from teachers, carries their data on: the
card names it, and the licence that their weights stand under.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tumorlens.card import Card
from tumorlens.lab.config import CardConfig, Config
from tumorlens.lab.datasets import Example
from tumorlens.lab.seen import built_upon
from tumorlens.lab.splitting import TRAINING, VALIDATION, Split


def earlier_models(config: Config) -> dict[str, Any]:
    """``earlier_models`` for the card's training, as JSON values; empty where there are none."""
    found = [card.identity.to_json() | {"licence": card.licence} for card in _earlier(config)]
    return {"earlier_models": found} if found else {}


def inherited_licence(config: Config) -> str:
    """The licence as configured; where none is stated, that of the models before."""
    if config.card.licence != CardConfig().licence:
        return config.card.licence
    stated = dict.fromkeys(card.licence for card in _earlier(config))
    return "; ".join(stated) or config.card.licence


def learnt_from(
    config: Config, examples: Sequence[Example], split: Split
) -> dict[str, dict[str, Any]]:
    """Per data set: source and licence, and pictures and groups in each part.

    Sets that only models before this one learnt from say through which they came.
    """
    found: dict[str, dict[str, Any]] = {}
    for card in _earlier(config):
        for name in card.learnt_from:
            one = card.data[name]
            source = f"{one.get('source', name)}, through {card.name} {card.version}"
            kept = {key: value for key, value in one.items() if key != VALIDATION}
            found.setdefault(name, kept | {"source": source})
    return found | _own_data(config, examples, split)


def _earlier(config: Config) -> list[Card]:
    """The cards of the models that a run builds upon; those without a model folder have none."""
    return [card for earlier in built_upon(config) if (card := earlier.card)]


def _own_data(
    config: Config, examples: Sequence[Example], split: Split
) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name in sorted({example.dataset for example in examples}):
        entry: dict[str, Any] = {}
        if name in config.card.sources:
            entry |= config.card.sources[name].model_dump()
        for part, indices in ((TRAINING, split.training), (VALIDATION, split.validation)):
            chosen = {
                (examples[i].picture, examples[i].group, examples[i].label)
                for i in indices
                if examples[i].dataset == name
            }
            entry[part] = {
                "pictures": len(chosen),
                "groups": len({group for _, group, _ in chosen}),
                "labels": dict(sorted(Counter(label for *_, label in chosen).items())),
            }
        found[name] = entry
    return found
