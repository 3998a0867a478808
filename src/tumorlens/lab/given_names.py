"""What a run's settings name and want of each other, looked at before any picture is read."""

from collections.abc import Callable, Mapping
from pathlib import Path

from tumorlens.errors import ConfigError
from tumorlens.lab.config import Config
from tumorlens.lab.losses import LOSSES
from tumorlens.lab.networks import IMAGENET, NETWORKS, NONE
from tumorlens.lab.rebuilding import BUNDLED
from tumorlens.lab.run_record import recorded_config
from tumorlens.lab.settings import known_name


def check_names(config: Config) -> None:
    """Make sure that there is what the settings name: network, loss, weights, teachers, sets.

    Raises:
        ConfigError: One is not known, or not there.
    """
    known_name(config.network.name, NETWORKS, setting="network.name")
    known_name(config.training.loss, LOSSES, setting="training.loss")
    for dataset in config.data.share:
        if config.data.datasets:
            known_name(dataset, config.data.datasets, setting="data.share")
    weights = config.network.weights
    if weights not in (NONE, IMAGENET, BUNDLED) and not Path(weights).exists():
        raise ConfigError(
            expected=f"{NONE}, {IMAGENET}, {BUNDLED}, a model folder, or a file of weights",
            found=f"no file {weights!r}",
            remedy="Check the path: it counts from the current folder.",
            source="network.weights",
        )
    for teacher in config.training.teachers:
        recorded_config(Path(teacher))


def idle_settings(config: Config) -> list[str]:
    """In one line each, the settings that change nothing without another one."""
    usual = type(config)()
    found = []
    for name, (other, has_it) in _WANTED.items():
        section, setting = name.split(".")
        given = getattr(getattr(config, section), setting)
        if given != getattr(getattr(usual, section), setting) and not has_it(config):
            found.append(f"{name} = {given} changes nothing: it wants {other}")
    if config.network.frozen_stages and config.network.weights == NONE:
        found.append(
            f"the first {config.network.frozen_stages} stages are frozen as they were drawn at "
            "random: network.frozen_stages wants network.weights"
        )
    return found


_WANTED: Mapping[str, tuple[str, Callable[[Config], object]]] = {
    "training.attention_weight": ("network.outlines = true", lambda c: c.network.outlines),
    "training.outline_weight": ("network.outlines = true", lambda c: c.network.outlines),
    "training.focus": ('training.loss = "focal"', lambda c: c.training.loss == "focal"),
    "training.effective_number": (
        "training.class_weights = true",
        lambda c: c.training.class_weights,
    ),
    "training.distillation": ("training.teachers", lambda c: c.training.teachers),
    "training.unfreeze_every": ("network.frozen_stages", lambda c: c.network.frozen_stages),
}
"""Of settings that were changed: the other one, and whether it is so."""
