from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.made_cases import BRATS
from tumorlens.errors import DataError
from tumorlens.lab.volumes.cases import load_case
from tumorlens.lab.volumes.heads import HEADS, find_training_cases
from tumorlens.lab.volumes.stacks import find_brats2013, find_lgg

from .made import made_download, small
from .made_stacks import SIDE, SLICES, make_brats2013, make_lgg

BOTH = {"sequences": ["flair", "t1c"], "regions": ["WT"]}


def test_a_series_becomes_a_head(tmp_path: Path) -> None:
    first = find_lgg(make_lgg(tmp_path / "lgg"))[0]
    assert (first.name, first.group) == ("TCGA_M_0", "lgg:TCGA_M_0")
    assert first.sequences == ("t1", "flair", "t1c")
    assert len(first.files) == 2 * SLICES
    head, labels = first.read()
    assert set(head.volumes) == {"t1", "flair", "t1c"}
    volume = head.volumes["flair"]
    assert volume.voxels.shape == labels.shape == (SLICES, SIDE, SIDE)
    assert volume.spacing_mm == pytest.approx((15.0, 230 / SIDE, 230 / SIDE))
    assert set(np.unique(labels)) == {0, 2}
    assert np.flatnonzero(labels.any(axis=(1, 2))).tolist() == [3, 4, 5, 6, 7]
    assert (volume.voxels[labels > 0] == 220).all()
    assert head.voxel_ml == pytest.approx(np.prod(volume.spacing_mm) / 1000)


def test_a_repeated_sequence_is_missing(tmp_path: Path) -> None:
    first = find_lgg(make_lgg(tmp_path / "lgg", t1c=False))[0]
    assert first.sequences == ("t1", "flair")
    assert set(first.read()[0].volumes) == {"t1", "flair"}


def test_sets_lie_in_the_same_direction(tmp_path: Path) -> None:
    """The tumor is to the patient's left and front in both, though one set is upside down."""
    config = small(data=BOTH | {"spacing_mm": [4, 4, 4]})
    places = []
    for head in (
        find_lgg(make_lgg(tmp_path / "lgg"))[0],
        find_brats2013(make_brats2013(tmp_path / "brats2013_slices"))[0],
    ):
        image, labels = load_case(head, config)
        assert image.shape[0] == 2
        middle = np.argwhere(labels).mean(axis=0) / labels.shape
        places.append(middle[:2] - 0.5)
    for across, along in places:
        assert across > 0.08  # X grows to the left
        assert along < -0.08  # Y grows to the back


def test_every_set_of_heads_is_found_in_one_folder(tmp_path: Path) -> None:
    make_lgg(tmp_path / "lgg")
    make_brats2013(tmp_path / "brats2013_slices")
    made_download(tmp_path / "brats", 1)
    (tmp_path / "something" / "else").mkdir(parents=True)
    found = find_training_cases(
        tmp_path, sequences=("flair", "t1c"), regions=["WT"], can_miss=False
    )
    assert {head.dataset for head in found} == set(HEADS)
    with pytest.raises(DataError, match="without t2"):
        find_training_cases(tmp_path, sequences=("flair", "t2"), regions=["WT"], can_miss=False)


def test_what_is_damaged_is_named(tmp_path: Path) -> None:
    first = find_lgg(make_lgg(tmp_path / "lgg"))[0]
    (first.folder / "TCGA_M_0_2.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="damaged"):
        first.read()
    Image.new("RGB", (8, 8)).save(first.folder / "TCGA_M_0_2.png")
    with pytest.raises(DataError, match="one size"):
        first.read()


def test_heads_that_do_not_tell_regions_apart_are_left_out(tmp_path: Path) -> None:
    make_lgg(tmp_path / "lgg")
    make_brats2013(tmp_path / "brats2013_slices")
    wanted = {"sequences": ("flair", "t1c"), "can_miss": True}
    found = find_training_cases(tmp_path, regions=["WT", "ET"], **wanted)
    assert {head.dataset for head in found} == {"brats2013_slices"}
    assert set(np.unique(found[0].read()[1])) == {0, 4}
    with pytest.raises(DataError, match="do not tell WT, ET apart"):
        find_training_cases(tmp_path / "lgg", regions=["WT", "ET"], **wanted)
    only = find_training_cases(tmp_path, regions=["WT"], only={"TCGA_M_1"}, **wanted)
    assert [head.name for head in only] == ["TCGA_M_1"]


def test_background_is_cleared_where_asked_to(tmp_path: Path) -> None:
    first = find_lgg(make_lgg(tmp_path / "lgg", noise=4))[0]
    seen = []
    for clears in (False, True):
        config = small(data=BOTH | {"spacing_mm": [4, 4, 15], "clear_background": clears})
        seen.append(float((load_case(first, config)[0] != 0).mean()))
    assert seen[0] > 0.88
    assert 0.55 < seen[1] < 0.8  # a disc in its box


@pytest.mark.skipif(not BRATS.is_dir(), reason="../shared/data is not there")
def test_one_patient_of_two_sets_lies_alike() -> None:
    """Brats18_2013_21_1 is pat0004: its tumor lies at the same place of the brain in both."""
    data = BRATS.parent
    cases = find_training_cases(data, sequences=("flair", "t1c"), regions=["WT"], can_miss=True)
    by_name = {head.name: head for head in cases}
    config = small(data=BOTH | {"spacing_mm": [2, 2, 2]})
    (one, outline), (other, drawn) = (
        load_case(by_name[name], config) for name in ("Brats18_2013_21_1", "pat0004")
    )
    places = [
        np.argwhere(labels > 0).mean(axis=0) - np.argwhere(image[0] != 0).mean(axis=0)
        for image, labels in ((one, outline), (other, drawn))
    ]
    np.testing.assert_allclose(*places, atol=2)  # voxels of 2 mm
    assert (outline > 0).sum() == pytest.approx((drawn > 0).sum(), rel=0.1)
