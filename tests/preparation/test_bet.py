import sys
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace
from typing import Any

import nibabel
import numpy as np
import pytest

from tests.reading.made import DATA, needs_data
from tumorlens.errors import ScanContentError
from tumorlens.preparation.bet import find_brain
from tumorlens.reading import read_scan
from tumorlens.scan import Volume

from .made_skulls import dice

pytest.importorskip("skimage", reason="scikit-image is not installed ([skullstrip])")

REACH = 20  # voxels: how far brainextractor looks inwards from its surface


class Extractor:
    """Says that what is bright is brain, and what it would read to find its surface."""

    def __init__(self, img: Any) -> None:
        self.data = img.get_fdata()
        self.tmin = self.data.min()
        self.vertices = np.argwhere(self.data > 50).astype(float)
        self.inside = self.data[tuple(self.vertices.astype(int).T)]
        self.is_updated = False

    def update_surface_attributes(self) -> None:
        self.is_updated = True

    def run(self) -> None:
        assert self.is_updated
        places = self.vertices.astype(int)
        np.testing.assert_array_equal(self.data[tuple(places.T)], self.inside)
        assert (places >= REACH).all()
        assert (places + REACH < self.data.shape).all()
        points = SimpleNamespace(points=places)
        self.surface = SimpleNamespace(
            voxelized=lambda _pitch: SimpleNamespace(fill=lambda: points)
        )


def cut_off() -> Volume:
    """A brain that reaches the volume's first and last slices and columns."""
    voxels = np.full((40, 40, 40), 7, np.float32)
    voxels[:, 10:30, 25:] = 100
    return Volume(voxels, "cut.nii", (2.0, 2.0, 2.0), plane="axial")


@pytest.fixture
def extractor(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = ModuleType("brainextractor")
    monkeypatch.setattr(fake, "BrainExtractor", Extractor, raising=False)
    monkeypatch.setitem(sys.modules, "brainextractor", fake)


@pytest.mark.usefixtures("extractor")
def test_a_brain_that_is_cut_off_gets_a_dark_rim() -> None:
    volume = cut_off()
    np.testing.assert_array_equal(find_brain(volume), volume.voxels > 50)


@pytest.mark.usefixtures("extractor")
def test_a_slab_is_refused() -> None:
    slab = Volume(cut_off().voxels[:14], "neck.nii", (2.0, 2.0, 2.0), plane="axial")
    with pytest.raises(ScanContentError, match="a slab of 28 mm"):
        find_brain(slab)


@needs_data
@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.filterwarnings("default")  # of packages that are not ours
def test_the_upper_half_of_a_head_is_stripped_alike_each_time(tmp_path: Any) -> None:
    if find_spec("brainextractor") is None:
        pytest.skip("brainextractor is not there (pip install 'tumorlens[skullstrip]')")
    found = []
    for name in ("MNI152_T1_2mm", "MNI152_T1_2mm_Brain_Mask"):
        upper = nibabel.load(DATA / "volumes" / f"{name}.nii.gz").slicer[:, :, 45:]
        nibabel.save(upper, tmp_path / f"{name}.nii.gz")
        found.append(read_scan(tmp_path / f"{name}.nii.gz"))
    head, brain = found
    first, second = find_brain(head), find_brain(head)
    np.testing.assert_array_equal(first, second)
    assert dice(first, brain.voxels > 0) > 0.93
