"""What a run's settings name, made sure of before any picture is read."""

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
