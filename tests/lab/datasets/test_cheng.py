"""Cheng's set in both its forms."""

from pathlib import Path

import numpy as np
import pytest

from tumorlens.errors import DataError, MissingExtraError
from tumorlens.lab.datasets import cheng, load_examples, pixels, read_mask, read_pixels, recognise

from .made_sets import make_cheng, make_cheng_matlab, save, save_matlab

PART = "brainTumorDataPublic_"


def test_matlab_files_are_read_the_right_way_round(tmp_path: Path) -> None:
    make_cheng_matlab(tmp_path / "cheng")
    examples = load_examples(tmp_path / "cheng")
    assert [e.path.name for e in examples] == ["9.mat", "10.mat", "11.mat"]
    assert [e.label for e in examples] == ["meningioma", "glioma", "pituitary"]
    assert [e.patient for e in examples] == ["100360", "MR01", "MR02"]
    assert examples[0].group == "cheng:100360"
    assert {e.sequence for e in examples} == {"t1c"}
    expected = np.arange(120, dtype=np.float32).reshape(12, 10)
    np.testing.assert_array_equal(read_pixels(examples[0]), expected)
    mask = read_mask(examples[0])
    assert mask is not None
    assert mask.shape == (12, 10)
    assert list(zip(*np.nonzero(mask), strict=True)) == [(2, 7), (3, 7), (4, 7)]


def test_four_folders_are_one_set_and_an_absent_one_is_named(tmp_path: Path) -> None:
    root = tmp_path / "cheng"
    for number, numbers in cheng.PARTS.items():
        save_matlab(root / number / f"{numbers[0]}.mat", 1, "A", mask_shape=(12, 10))
    assert [e.path.stem for e in load_examples(root)] == ["1", "767", "1533", "2299"]
    (root / f"{PART}7671532" / "767.mat").unlink()
    with pytest.raises(DataError, match=rf"missing: {PART}7671532 \(0 of 766 slices\)"):
        load_examples(root)
    for name in (f"{PART}15332298", f"{PART}22993064", f"{PART}7671532"):
        for path in (root / name).iterdir():
            path.unlink()
        (root / name).rmdir()
    with pytest.raises(DataError, match=rf"{PART}7671532.*{PART}15332298.*{PART}22993064"):
        load_examples(root)


@pytest.mark.parametrize("dash", ["", "-"])
def test_the_parts_are_known_with_dashes_and_beside_other_folders(
    dash: str, tmp_path: Path
) -> None:
    root = tmp_path / "cheng"
    names = [f"{PART}{n[0]}{dash}{n[-1]}" for n in cheng.PARTS.values()]
    assert [name.replace("-", "") for name in names] == list(cheng.PARTS)
    for name, numbers in zip(names, cheng.PARTS.values(), strict=True):
        save_matlab(root / name / f"{numbers[0]}.mat", 1, "A", mask_shape=(12, 10))
        (root / "__MACOSX" / name).mkdir(parents=True)
    assert recognise(root) == "cheng"
    examples = load_examples(root)
    assert [e.path.stem for e in examples] == ["1", "767", "1533", "2299"]
    assert {(e.dataset, e.group) for e in examples} == {("cheng", "cheng:A")}
    (root / names[1] / "767.mat").unlink()
    (root / names[1]).rmdir()
    with pytest.raises(DataError, match=rf"missing: {PART}7671532 \(0 of 766 slices\)"):
        load_examples(root)


def test_one_part_of_four_in_one_folder_is_not_enough(tmp_path: Path) -> None:
    (tmp_path / "cheng").mkdir()
    for number in range(1, 767):
        (tmp_path / "cheng" / f"{number}.mat").touch()
    with pytest.raises(DataError, match=r"766 slices; missing: 767 to 1532 .*2299 to 3064"):
        load_examples(tmp_path / "cheng")
    (tmp_path / "cheng" / "700.mat").unlink()
    with pytest.raises(DataError, match=r"missing: 1 to 766 \(765 of 766 slices\)"):
        load_examples(tmp_path / "cheng")


def test_broken_matlab_files_are_named(tmp_path: Path) -> None:
    make_cheng_matlab(tmp_path / "cheng")
    path = tmp_path / "cheng" / "10.mat"
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(DataError, match=r"10\.mat: expected a whole MATLAB 7\.3 file"):
        load_examples(tmp_path / "cheng")
    save_matlab(path, 7, "A", mask_shape=(12, 10))
    with pytest.raises(DataError, match="expected the label 1, 2 or 3; found 7"):
        load_examples(tmp_path / "cheng")
    save_matlab(path, 1, "A", mask_shape=(12, 9))
    with pytest.raises(DataError, match="an outline of the same size"):
        load_examples(tmp_path / "cheng")


def test_without_h5py_the_message_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ModuleNotFoundError(name="h5py")

    make_cheng_matlab(tmp_path / "cheng")
    monkeypatch.setattr(pixels.importlib, "import_module", absent)
    with pytest.raises(MissingExtraError, match="no module h5py"):
        load_examples(tmp_path / "cheng")


def test_what_the_converted_form_lacks_is_said(tmp_path: Path) -> None:
    make_cheng(tmp_path / "cheng")
    (tmp_path / "cheng" / "images" / "2.jpg").unlink()
    with pytest.raises(DataError, match=r"1 missing, the first 2\.jpg"):
        load_examples(tmp_path / "cheng")
    (tmp_path / "cheng" / "patients.csv").write_text("index,label\n")
    with pytest.raises(DataError, match="no column patient"):
        load_examples(tmp_path / "cheng")


def test_a_patient_has_one_kind_of_tumor_and_an_outline_its_pictures_size(tmp_path: Path) -> None:
    root = tmp_path / "cheng"
    make_cheng(root)
    (root / "patients.csv").write_text("index,label,patient\n1,glioma,A\n2,pituitary,A\n")
    with pytest.raises(DataError, match=r"first patient A: glioma .*1\.jpg.*pituitary"):
        load_examples(root)
    (root / "patients.csv").write_text("index,label,patient\n1,glioma,A\n2,no_tumor,A\n")
    assert len(load_examples(root)) == 2
    save(root / "masks" / "2.png", 255, (16, 18))
    with pytest.raises(DataError, match=r"1 of another size, the first 18 x 16 .* 16 x 16"):
        load_examples(root)
    (root / "masks" / "2.png").write_bytes(b"broken")
    with pytest.raises(DataError, match="outlines that can be read"):
        load_examples(root)
