"""The warning that scores are too good, where a model answers what it was trained on."""

from collections.abc import Collection
from pathlib import Path

from tumorlens.cli.exits import say


def warn_of_seen(
    trained_on: Collection[str], evaluated: Collection[str], *, split: Path | None, what: str
) -> None:
    """Say so where nothing keeps apart what a model was trained on.

    Args:
        trained_on: Names of the data sets in the model's card.
        evaluated: Names of those that it is scored on.
        split: The record that leaves the training part out; where it is given, nothing is said.
        what: Of the data sets is answered: pictures or heads.
    """
    seen = sorted(set(evaluated) & set(trained_on))
    if seen and split is None:
        say(
            f"warning: the model was trained on {what} of {', '.join(seen)}; without --split "
            "these scores include them and are too good"
        )
