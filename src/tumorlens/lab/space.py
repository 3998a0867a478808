"""What can be tuned: how a trial draws each value, and which settings it changes."""

import math
from collections.abc import Callable
from typing import Any

from optuna.trial import BaseTrial

from tumorlens.lab.catalogue import CATALOGUE
from tumorlens.lab.config import AugmentationConfig, Config


def _learning_rate(trial: BaseTrial, _: Config) -> dict[str, Any]:
    return {
        "training": {"learning_rate": trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True)}
    }


def _weight_decay(trial: BaseTrial, _: Config) -> dict[str, Any]:
    return {"training": {"weight_decay": trial.suggest_float("weight_decay", 1e-4, 0.3, log=True)}}


def _batch_size(trial: BaseTrial, _: Config) -> dict[str, Any]:
    return {"training": {"batch_size": trial.suggest_categorical("batch_size", [16, 32, 64])}}


def _dropout(trial: BaseTrial, _: Config) -> dict[str, Any]:
    return {"network": {"dropout": trial.suggest_float("dropout", 0.0, 0.6)}}


def _frozen_stages(trial: BaseTrial, config: Config) -> dict[str, Any]:
    most = CATALOGUE[config.network.name].stages - 1 if config.network.weights != "none" else 0
    return {"network": {"frozen_stages": trial.suggest_int("frozen_stages", 0, most)}}


def _augmentation(trial: BaseTrial, config: Config) -> dict[str, Any]:
    strength = trial.suggest_float("augmentation", 0.0, 2.0)
    return {"augmentation": scaled(config.augmentation, strength)}


SPACE: dict[str, Callable[[BaseTrial, Config], dict[str, Any]]] = {
    "learning_rate": _learning_rate,
    "weight_decay": _weight_decay,
    "batch_size": _batch_size,
    "dropout": _dropout,
    "augmentation": _augmentation,
    "frozen_stages": _frozen_stages,
}
"""What is tuned: each draws a value for a trial and returns the settings it changes. Stages are
frozen only where the network starts from weights."""


_MIRRORING = ("flip", "upside_down")


def scaled(config: AugmentationConfig, strength: float) -> dict[str, float]:
    """All changes of augmentation, weaker or stronger.

    Args:
        config: The strength 1.
        strength: 0 switches everything off; factors are raised to this power, all else is
            multiplied with it, within its limits. Of the mirrored pictures there are never more
            than of the others, unless the strength 1 has more.
    """
    found = {}
    for name, field in AugmentationConfig.model_fields.items():
        limits = {type(one).__name__: one for one in field.metadata}
        value = getattr(config, name)
        stronger = value**strength if limits["Ge"].ge == 1 else value * strength
        most = limits["Le"].le if "Le" in limits else math.inf
        found[name] = min(stronger, max(value, 0.5) if name in _MIRRORING else most)
    return found
