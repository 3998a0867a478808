"""What leakage is worth: the official test pictures, by whether their patient was trained on.

In several public sets most of ``Testing/`` shares a patient, or the very picture, with
``Training/``. Scores on the official split and on what is free of leaks stand side by side.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tumorlens.lab.datasets import Example
from tumorlens.lab.evaluation.parts import Parts
from tumorlens.lab.splitting import TESTING

SIDES = ("official", "shared", "apart")
"""All official test pictures; those whose group was trained on; those whose group was not."""


@dataclass(frozen=True, slots=True, eq=False)
class OfficialTest:
    """The official test pictures of one data set.

    Attributes:
        dataset: Its name.
        examples: With the groups that the run's split gave them.
        shared: bool, (pictures,): whether a training picture is of its group.
        trained_on: How many of them were trained on themselves.
        unknown: Official test pictures that the split does not name, left out.
    """

    dataset: str
    examples: tuple[Example, ...]
    shared: npt.NDArray[np.bool_]
    trained_on: int
    unknown: int

    def sides(self) -> Mapping[str, npt.NDArray[np.bool_]]:
        """Which pictures are on each of the `SIDES`."""
        everything = np.ones(len(self.shared), bool)
        return dict(zip(SIDES, (everything, self.shared, ~self.shared), strict=True))

    def to_json(self) -> dict[str, Any]:
        """The counts as JSON values."""
        return {"trained_on": self.trained_on, "unknown": self.unknown}


def official_tests(parts: Parts) -> list[OfficialTest]:
    """The official test pictures of every data set that has some in the split."""
    trained = {example.picture for example in parts.training}
    groups = {example.group for example in parts.training}
    named = {example.picture: example for example in (*parts.evaluated, *parts.training)}
    testing = [example for example in named.values() if example.official == TESTING]
    found = []
    for dataset in sorted({example.dataset for example in testing}):
        ours = tuple(example for example in testing if example.dataset == dataset)
        found.append(
            OfficialTest(
                dataset,
                ours,
                np.array([example.group in groups for example in ours], bool),
                sum(example.picture in trained for example in ours),
                sum(e.dataset == dataset and e.official == TESTING for e in parts.others),
            )
        )
    return found
