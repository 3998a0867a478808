"""Pictures out of packages, from made-up ones."""

import io
import plistlib
import tarfile
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from tests.tools.scripts import load_script

TOOL = load_script("tools/gather_others.py")


def _picture(path: Path, seed: int, *, side: int = 200, mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    gray = np.random.default_rng(seed).integers(0, 256, (side, side), np.uint8)
    Image.fromarray(gray).convert(mode).save(path)


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A few pictures at the places where the packages have theirs."""
    root = tmp_path / "packages"
    _picture(root / "mate-backgrounds/usr/share/a.png", 0, side=900)
    Image.new("RGB", (300, 300), "gray").save(root / "mate-backgrounds/usr/share/plain.png")
    manual = root / "opencv-doc/usr/share/doc/opencv-doc"
    _picture(manual / "examples/data/b.jpg", 1)
    stamps = root / "tuxpaint-stamps-default/usr/share/tuxpaint/stamps/animals"
    for name in ("cat", "dog", "cat_mirror"):
        _picture(stamps / f"{name}.png", 5)
    examples = root / "invesalius-examples/usr/share/doc/invesalius-examples/examples"
    examples.mkdir(parents=True)
    about = {"matrix": {"dtype": "int16", "shape": [108, 20, 20], "filename": "matrix.dat"}}
    head = np.random.default_rng(0).integers(-1000, 1000, (108, 20, 20)).astype(np.int16)
    parts = {"main.plist": plistlib.dumps(about), "matrix.dat": head.tobytes()}
    with tarfile.open(examples / "Cranium.inv3", "w:gz") as archive:
        for name, data in parts.items():
            member = tarfile.TarInfo(f"made/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    atlas = root / "totalsegmentator/totalsegmentator/resources/ct_brain_atlas_1mm.nii.gz"
    atlas.parent.mkdir(parents=True)
    voxels = np.random.default_rng(1).integers(0, 90, (20, 20, 180)).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), atlas)
    return root


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        ("natural.photographs", 2),  # the plain one shows nothing
        ("natural.objects", 2),  # mirrored stamps are left out
        ("brain_ct.heads", 46 + 19),
    ],
)
def test_each_kind_is_gathered(kind: str, count: int, packages: Path, tmp_path: Path) -> None:
    folder = tmp_path / "others" / kind
    assert TOOL.save(TOOL.KINDS[kind](packages), folder) == count
    saved = sorted(folder.iterdir())
    assert len(saved) == count
    for path in saved:
        with Image.open(path) as picture:
            assert picture.mode == "RGB"
            assert max(picture.size) <= TOOL.SIDE


def test_a_window_is_black_below_and_white_above() -> None:
    shown = np.asarray(TOOL._windowed(np.array([[0, 40, 80, 1000]]), TOOL.BRAIN))
    assert shown.tolist() == [[0, 128, 255, 255]]
