"""The warning that scores are too good, where a model answers what it was trained on."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from tumorlens.cli.exits import say
from tumorlens.extras import import_extra


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


def names_of_sets(data: Path, folders: Collection[str]) -> set[str]:
    """The data sets that folders of ``data`` are: called so, or recognised under another name.

    Args:
        data: A data set's folder, one that holds several, or a CSV.
        folders: Names of the data sets' folders.
    """
    lab = import_extra("tumorlens.lab.datasets", extra="lab")
    places = lab.candidates(data.resolve(), folders)
    recognised = {lab.recognise(place) for place in places if place.name in folders}
    return {*folders} | {name for name in recognised if name}.difference(lab.ANY_LAYOUT)


def warn_of_seen_pictures(seen: Mapping[str, Any] | None, *, whose: str, what: str) -> None:
    """Say how many of what was scored a model has learnt from, where there are any.

    Args:
        seen: ``count``, ``of`` how many, and their ``share``, as in ``evaluation.json``.
        whose: Which model's training part it is.
        what: Was answered: pictures or heads.
    """
    if seen:
        say(
            f"warning: {seen['count']} of {seen['of']} evaluated {what} ({seen['share']:.1%}) "
            f"are in {whose} own training part, or of a patient or group in it: its scores are "
            "too good"
        )
