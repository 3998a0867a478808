from itertools import permutations

import nibabel
import numpy as np
import pytest

from tests.made_cases import brats_cases, needs_brats
from tumorlens.volume_outlining.plausibility import likely_names

NAMES = ("t1", "t1c", "t2", "flair")


@needs_brats
def test_every_wrong_order_of_the_real_cases_is_noticed() -> None:
    for case in brats_cases():
        files = [case / f"{case.name}_{name}.nii.gz" for name in ("t1", "t1ce", "t2", "flair")]
        true = {
            name: np.asarray(nibabel.load(file).dataobj[::2, ::2, ::2], np.float32)
            for name, file in zip(NAMES, files, strict=True)
        }
        for order in permutations(NAMES):
            given = {name: true[other] for name, other in zip(NAMES, order, strict=True)}
            wrong = {n: other for n, other in zip(NAMES, order, strict=True) if n != other}
            assert likely_names(given) == wrong


@pytest.mark.parametrize("names", [NAMES[:3], NAMES])
def test_too_little_says_nothing(names: tuple[str, ...]) -> None:
    assert likely_names({name: np.ones((4, 4, 4), np.float32) for name in names}) == {}
