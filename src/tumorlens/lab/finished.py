"""The networks of finished runs, without the weights that they once began from."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tumorlens.card import read_card
from tumorlens.errors import ConfigError
from tumorlens.lab.checkpoint import BEST, FINISHED, load_checkpoint
from tumorlens.lab.networks import Classifier, build_network
from tumorlens.lab.run_record import MODEL, recorded_config
from tumorlens.preparation import Preparation


def bare_network(run: Path, classes: int) -> Classifier:
    """The network of a run as it is built, untrained, in evaluation mode.

    Raises:
        ConfigError: The folder holds no settings that are known today.
    """
    wanted = recorded_config(run).network
    return build_network(
        wanted.name, classes=classes, dropout=wanted.dropout, outlines=wanted.outlines
    ).eval()


def finished_weights(run: Path) -> Path:
    """The checkpoint with the weights that a finished run's model has.

    It is that of the best epoch; with ``training.smote`` what came of it afterwards.

    Raises:
        ConfigError: There is none: the run did not come to its end, or the latter was not kept
            yet when it did; or the folder holds no settings that are known today.
    """
    path = run / (FINISHED if recorded_config(run).training.smote else BEST)
    if not path.is_file():
        raise ConfigError(
            expected=f"a finished run, with {path.parent.name}/{path.name}",
            found="no such file",
            remedy="Give the command that began the run again: it goes on where it stopped.",
            source=str(run),
        )
    return path


def finished_network(run: Path, classes: Sequence[str], preparation: Preparation) -> Classifier:
    """The network of a finished run with the weights that its model has.

    Args:
        run: The run folder.
        classes: That it must name, in this order.
        preparation: That it must have seen scans by, but for the size.

    Raises:
        ConfigError: It is of other classes or another preparation, or no finished run.
        ModelError: The run has no model.
        TrainingError: Its checkpoint cannot be read.
    """
    settings = recorded_config(run)
    card = read_card(run / MODEL)
    prepared = replace(settings.preparation.build(), size=preparation.size)
    for part, ours, theirs in (
        ("classes", tuple(classes), card.classes),
        ("preparation", preparation, prepared),
    ):
        if ours != theirs:
            raise ConfigError(
                expected=f"a teacher of the same {part}, {ours}",
                found=str(theirs),
                remedy="Train it with the same [preparation] on the same classes.",
                source=str(run),
            )
    network = bare_network(run, len(classes))
    load_checkpoint(finished_weights(run), network)
    return network
