"""Slices in their volume: what the benchmark makes of answers."""

from types import ModuleType

import numpy as np
import pytest

from .scripts import load_script


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    pytest.importorskip("monai")
    return load_script("benchmarks/volume_slices.py")


def test_figures_of_two_patients(benchmark: ModuleType) -> None:
    """Columns: P(tumor) alone, P(tumor) in the volume, whether it shows tumor."""
    first = np.array([[0.9, 0.9, 1], [0.2, 0.6, 1], [0.1, 0.1, 0]])
    second = np.array([[0.8, 0.8, 1], [0.3, 0.3, 0], [0.6, 0.4, 0]])
    alone, joined = (benchmark.figures([first, second], way) for way in (0, 1))
    assert alone["sensitivity"] == pytest.approx(2 / 3, abs=1e-3)
    assert alone["specificity"] == pytest.approx(2 / 3, abs=1e-3)
    assert alone["auc"] == pytest.approx(7 / 9, abs=1e-3)
    assert (joined["auc"], joined["sensitivity"], joined["specificity"]) == (1, 1, 1)
    assert joined["interval"] == [1, 1]
    assert benchmark.figures([first], 0)["interval"] is None
