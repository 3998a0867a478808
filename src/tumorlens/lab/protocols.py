"""How a model is put to the test: on other patients, or on another source altogether.

Patients of the sets that a model was trained on share its scanners and its habits; a source that
it never saw does not. The second figure is the one that counts.
"""

from collections.abc import Collection, Sequence

from tumorlens.errors import DataError
from tumorlens.lab.datasets import Example
from tumorlens.lab.splitting import Split, split_by_group


def patient_disjoint_folds(examples: Sequence[Example], *, folds: int, seed: int) -> list[Split]:
    """All folds of a cross-validation; no group stands on both sides of any.

    Args:
        examples: With their final groups.
        folds: How many, at least 2; each group validates in exactly one.
        seed: Of the shuffle.

    Raises:
        DataError: There is one class only, or a class has fewer groups than folds.
    """
    return [split_by_group(examples, folds=folds, fold=fold, seed=seed) for fold in range(folds)]


def leave_one_source_out(examples: Sequence[Example], source: str | Collection[str]) -> Split:
    """Train on all other sources, validate on the one that is left out.

    Pictures of other sources that share a group with the source left out (copies of its slices,
    slices of its patients) are in neither part.

    Args:
        examples: With their final groups.
        source: The data set that is left out, by name; or several that are one source.

    Raises:
        DataError: There is no such data set, nothing else is left to train on, or what is left
            has one class only.
    """
    left_out = {source} if isinstance(source, str) else set(source)
    names = {example.dataset for example in examples}
    unknown = sorted(left_out - names)
    if unknown or not left_out:
        raise DataError(
            expected=f"some of the data sets {', '.join(sorted(names))}",
            found=", ".join(unknown) or "none",
            remedy="Name the data set's folder.",
            source="the source to leave out",
        )
    touched = {example.group for example in examples if example.dataset in left_out}
    training = tuple(
        index for index, example in enumerate(examples) if example.group not in touched
    )
    classes = sorted({examples[index].label for index in training})
    if len(classes) < 2:
        raise DataError(
            expected="pictures of at least two classes in the other data sets",
            found=f"only {', '.join(classes) or 'pictures that share a patient with it'}",
            remedy="Add another data set, or leave out another one.",
            source=f"without {', '.join(sorted(left_out))}",
        )
    validation = tuple(
        index for index, example in enumerate(examples) if example.dataset in left_out
    )
    return Split(training, validation)
