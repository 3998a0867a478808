"""Which pictures an earlier run has learnt from, by their names, their groups and their looks.

What that run began from, and who taught it, has left its mark on it too: all are asked, back to
the first.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tumorlens.card import CARD_FILE, Card, read_card
from tumorlens.errors import DataError, TumorlensError
from tumorlens.lab.checkpoint import is_checkpoint
from tumorlens.lab.config import Config
from tumorlens.lab.datasets import Example
from tumorlens.lab.fingerprints import FINGERPRINTS, fingerprint, read_fingerprints
from tumorlens.lab.networks import IMAGENET, NONE
from tumorlens.lab.pictures import ByteArray, load_pictures
from tumorlens.lab.rebuilding import model_folder
from tumorlens.lab.run_record import MODEL, recorded_config
from tumorlens.lab.splitting import SPLIT_FILE, TRAINING, read_split
from tumorlens.preparation import Preparation


@dataclass(frozen=True, slots=True)
class Seen:
    """What an earlier run knows of pictures that are held out now.

    Attributes:
        pictures: Indices of those that it learnt from, or of whose group it learnt from one.
        unknown: Indices of those about which nothing can be said: the run does not name them,
            and kept no fingerprints, or has no split at all.
        why: Why nothing can be said; empty where all is known.
    """

    pictures: tuple[int, ...] = ()
    unknown: tuple[int, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a run builds upon.

    Attributes:
        setting: That names it: ``network.weights`` or ``training.teachers``.
        given: What it is set to.
        run: The run folder that can tell what was learnt from.
        model: The model folder, whose card names the data sets.
    """

    setting: str
    given: str
    run: Path
    model: Path

    @property
    def card(self) -> Card | None:
        """Of the model; None where there is none."""
        return read_card(self.model) if (self.model / CARD_FILE).is_file() else None


def built_upon(config: Config) -> list[Earlier]:
    """The earlier runs whose weights or answers a run learns from."""
    found = [
        Earlier("training.teachers", one, Path(one), Path(one) / MODEL)
        for one in config.training.teachers
    ]
    setting, weights = "network.weights", config.network.weights
    path = Path(weights)
    if weights in (NONE, IMAGENET):
        return found
    if model := model_folder(weights):
        found.append(Earlier(setting, weights, model.resolve().parent, model))
    elif is_checkpoint(path) or not path.exists():  # what is gone may have been a run's
        run = path.parent.parent if path.suffix else path.parent
        found.append(Earlier(setting, weights, run, run / MODEL))
    return found


def find_seen(
    run: Path,
    examples: Sequence[Example],
    held: Collection[int],
    *,
    prepared: tuple[ByteArray, Preparation] | None = None,
) -> Seen:
    """Ask an earlier run, and what it was built upon, whether they have learnt from pictures.

    Args:
        run: The earlier run's folder.
        examples: With the groups that hold now.
        held: Indices of those that are asked for.
        prepared: The examples' pixels, uint8, (examples, size, size), and how they were prepared;
            what is needed is read anew where None, or where a run prepared otherwise.

    Raises:
        DataError: A run's ``split.csv`` is no record of a split, or a picture cannot be read.
    """
    seen: set[int] = set()
    unknown: dict[int, str] = {}
    for one in _line_of(run):
        found = _seen_by(one, examples, held, prepared)
        seen.update(found.pictures)
        for index in found.unknown:
            unknown.setdefault(index, found.why)
    left = tuple(index for index in held if index in unknown and index not in seen)
    whys = dict.fromkeys(unknown[index] for index in left)
    return Seen(tuple(index for index in held if index in seen), left, "; ".join(whys))


def _line_of(run: Path) -> Iterator[Path]:
    """A run folder and those that it was built upon, back to the first."""
    known = {run.resolve()}
    waiting = [run]
    while waiting:
        yield (one := waiting.pop())
        try:
            before = built_upon(recorded_config(one))
        except TumorlensError:  # no record, or settings of another version
            continue
        new = [earlier.run for earlier in before if earlier.run.resolve() not in known]
        known.update(earlier.resolve() for earlier in new)
        waiting += new


def _seen_by(
    run: Path,
    examples: Sequence[Example],
    held: Collection[int],
    prepared: tuple[ByteArray, Preparation] | None,
) -> Seen:
    """What one run has learnt from by itself.

    Pictures are the same where their names are, which begin with the data set's folder. Those
    that the run does not name are compared by their looks, where it kept fingerprints.
    """
    if not (run / SPLIT_FILE).is_file():
        return Seen(unknown=tuple(held), why=f"there is no {SPLIT_FILE} in {run}")
    rows = {row["picture"]: row for row in read_split(run / SPLIT_FILE)}
    trained = {row["group"] for row in rows.values() if row["part"] == TRAINING}
    learnt = {
        index
        for index, example in enumerate(examples)
        if (row := rows.get(example.picture))
        and (row["part"] == TRAINING or row["group"] in trained)
    }
    near = {examples[index].group for index in held}
    strangers = [
        index
        for index, example in enumerate(examples)
        if example.picture not in rows and example.group in near
    ]
    looks, preparation = _recorded_looks(run) if strangers else (None, None)
    if looks is not None and preparation is not None:
        learnt |= _alike(looks, preparation, examples, strangers, prepared)
    groups = trained | {examples[index].group for index in learnt}
    seen = tuple(index for index in held if examples[index].group in groups)
    unknown = () if looks is not None else sorted({*held} & {*strangers} - {*seen})
    why = f"{run / SPLIT_FILE} does not name them, and has no {FINGERPRINTS} to compare beside it"
    return Seen(seen, tuple(unknown), why if unknown else "")


def own_run(model: Path | None, split: Path | None) -> Path | None:
    """The run folder that a model folder lies in, where it has something to say about a split.

    Args:
        model: The model folder; None for the bundled one.
        split: By which pictures are chosen; None for all.

    Returns:
        The run folder; None where it is not known, or ``split`` is its own.
    """
    if model is None:
        return None
    run = model.resolve().parent
    own = run / SPLIT_FILE
    if not own.is_file() or (split is not None and split.resolve() == own.resolve()):
        return None
    try:
        read_split(own)
    except DataError:  # something else of that name
        return None
    return run


def refuse_seen(run: Path, examples: Sequence[Example], count: int) -> None:
    """Refuse to measure a model on what its own run has learnt from.

    Args:
        run: The run's folder.
        examples: With their groups: first those that it would be measured on.
        count: How many those are.

    Raises:
        DataError: The run has learnt from some of them.
    """
    if seen := find_seen(run, examples, range(count)).pictures:
        raise DataError(
            expected="pictures that the model has not learnt from",
            found=f"{len(seen)} of {count} in its own training part, or of a group in it, the "
            f"first {examples[seen[0]].picture}",
            remedy=f"Give the split of its own run, {(run / SPLIT_FILE).as_posix()}.",
            source=str(run / SPLIT_FILE),
        )


def _recorded_looks(run: Path) -> tuple[frozenset[str] | None, Preparation | None]:
    try:
        return read_fingerprints(run / FINGERPRINTS), recorded_config(run).preparation.build()
    except TumorlensError:  # settings of another version
        return None, None


def _alike(
    looks: frozenset[str],
    preparation: Preparation,
    examples: Sequence[Example],
    chosen: Sequence[int],
    prepared: tuple[ByteArray, Preparation] | None,
) -> set[int]:
    """Those of the chosen examples that look like one of the run's training pictures."""
    if prepared is not None and prepared[1] == preparation:
        return {index for index in chosen if fingerprint(prepared[0][index]) in looks}
    loaded = load_pictures([examples[index] for index in chosen], preparation)
    found = {
        example.picture
        for example, pixels in zip(loaded.examples, loaded.pixels, strict=True)
        if fingerprint(pixels) in looks
    }
    return {index for index in chosen if examples[index].picture in found}
