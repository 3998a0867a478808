"""The classes, spelled once."""

from collections.abc import Mapping

GLIOMA = "glioma"
MENINGIOMA = "meningioma"
PITUITARY = "pituitary"
NO_TUMOR = "no_tumor"

CLASSES: tuple[str, ...] = (GLIOMA, MENINGIOMA, PITUITARY, NO_TUMOR)
"""The four classes in the order of the bundled model's outputs."""


def tumor_probability(probabilities: Mapping[str, float]) -> float:
    """The probability that there is a tumor of any kind: 1 - P(no_tumor), in [0, 1].

    A model without a ``no_tumor`` class only tells tumors apart, so its answer is 1.
    """
    return 1.0 - probabilities.get(NO_TUMOR, 0.0)
