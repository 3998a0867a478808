import nibabel
import numpy as np
import pytest

from tests.reading.made import DATA, needs_data
from tumorlens.preparation.radial import find_brain
from tumorlens.reading import read_scan
from tumorlens.scan import Scan

from .made_skulls import dice, skull


@pytest.mark.parametrize("shape", [(160, 140), (90, 200), (400, 300), (48, 40)])
@pytest.mark.parametrize("fluid", [0.05, 0.3])
def test_the_brain_is_found_within_its_skull(shape: tuple[int, int], fluid: float) -> None:
    pixels, brain = skull(*shape, fluid=fluid)
    found = find_brain(Scan(pixels, "made"))
    assert found.shape == pixels.shape
    assert dice(found, brain) > 0.95
    assert not found[pixels > 380].any()  # scalp


def test_offset_and_scale_of_the_signal_do_not_matter() -> None:
    pixels, _ = skull()
    first = find_brain(Scan(pixels, "made"))
    again = find_brain(Scan(pixels * np.float32(0.01) - np.float32(5), "made"))
    assert dice(first, again) > 0.99


def test_a_brain_without_its_skull_stays_whole() -> None:
    pixels, brain = skull(stripped=True)
    found = find_brain(Scan(pixels, "made"))
    assert (found & brain).sum() > 0.97 * brain.sum()


@pytest.mark.parametrize("value", [0, 7])
def test_where_nothing_stands_out_all_is_kept(value: float) -> None:
    assert find_brain(Scan(np.full((40, 50), value, np.float32), "blank")).all()


@needs_data
def test_axial_slices_of_a_real_head() -> None:
    volume = read_scan(DATA / "volumes" / "MNI152_T1_2mm.nii.gz")
    path = DATA / "volumes" / "MNI152_T1_2mm_Brain_Mask.nii.gz"
    brain = read_scan(path).voxels > 0
    assert nibabel.load(path).shape == (91, 109, 91)
    scores = [dice(find_brain(volume.slice(i)), brain[i]) for i in range(30, 67, 4)]
    assert np.mean(scores) > 0.92
    assert min(scores) > 0.85
