"""The weights of finished runs that are joined: those of their models, or of their snapshots."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from tumorlens.card import read_card
from tumorlens.errors import ConfigError
from tumorlens.lab.checkpoint import SNAPSHOT, load_checkpoint
from tumorlens.lab.export import export_model
from tumorlens.lab.finished import bare_network, finished_weights
from tumorlens.lab.networks import Classifier
from tumorlens.lab.run_record import MODEL, recorded_config


def mean_network(runs: Sequence[Path], classes: int, *, snapshots: bool = False) -> Classifier:
    """A network with the mean of all weights and batch-norm statistics.

    M. Wortsman and others, "Model soups", ICML 2022, arXiv:2203.05482. Sensible for runs that
    began from the same weights.

    Args:
        runs: Run folders, at least one, of the same network.
        classes: That they name.
        snapshots: Whether each run's snapshots count, not what its model was made of.

    Raises:
        ConfigError: A run has no such checkpoint, or settings that are not known today.
        TrainingError: A checkpoint is damaged, or of another network.
    """
    network = bare_network(runs[0], classes)
    states = []
    for path in (path for run in runs for path in _checkpoints(run, snapshots)):
        load_checkpoint(path, network)
        states.append({key: value.clone() for key, value in network.state_dict().items()})
    mean = {
        key: torch.stack([one[key].double() for one in states]).mean(dim=0) for key in states[0]
    }
    network.load_state_dict({key: mean[key].to(states[0][key].dtype) for key in mean})
    return network


def snapshot_models(runs: Sequence[Path], aside: Path) -> list[Path]:
    """A model folder for each snapshot, with the card of its run but for what was fitted to it.

    Args:
        runs: Run folders.
        aside: Where the model folders are written.

    Raises:
        ConfigError: A run has no snapshots, or settings that are not known today.
        ModelError: A run has no model.
        TrainingError: A snapshot is damaged.
    """
    folders: list[Path] = []
    for run in runs:
        card = replace(
            read_card(run / MODEL), curve=(), conformal=None, gate=None, int8=None, sequence=None
        )
        network = bare_network(run, len(card.classes))
        for path in _checkpoints(run, snapshots=True):
            load_checkpoint(path, network)
            folders.append(aside / str(len(folders)))
            export_model(network, replace(card, name=f"{card.name} {path.stem}"), folders[-1])
    return folders


def _checkpoints(run: Path, snapshots: bool) -> list[Path]:
    """Of one run: what its model was made of, or each cycle's snapshot."""
    if not snapshots:
        return [finished_weights(run)]
    if recorded_config(run).training.smote:
        raise ConfigError(
            expected="runs without training.smote for --snapshots",
            found="one with it: its linear layer was trained once more after the last snapshot",
            remedy="Leave out --snapshots, or give a run without SMOTE.",
            source=str(run),
        )
    names = (run / SNAPSHOT).parent.glob(Path(SNAPSHOT).name.format("*"))
    found = sorted(names, key=lambda path: (len(path.name), path.name))  # the tenth after the ninth
    if not found:
        raise ConfigError(
            expected="a run with snapshots (training.cycles)",
            found="no checkpoint of that kind",
            remedy="Give the folders that `tumorlens train` wrote (--run).",
            source=str(run),
        )
    return found
