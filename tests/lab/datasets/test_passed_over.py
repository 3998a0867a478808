"""No picture of a folder of data is lost in silence, and none is missed that may stay unread."""

from pathlib import Path

import pytest

from tests.reading.made import block, dataset, dicom_bytes, nifti_bytes, picture
from tumorlens.errors import DataError
from tumorlens.lab.audit import audit
from tumorlens.lab.audit.page import render_page
from tumorlens.lab.datasets import DATASETS, load_examples
from tumorlens.lab.datasets.passed_over import passed_over

from .made_sets import MAKERS, make_class_folders, save

DATA = Path(__file__).parents[4] / "shared" / "data"


def left(root: Path, *only: str) -> list[str]:
    files = passed_over(root, load_examples(root, only=only), only=only)
    return [path.relative_to(root).as_posix() for path in files]


@pytest.mark.parametrize("name", list(DATASETS))
def test_what_a_data_set_leaves_out_is_not_missed(name: str, tmp_path: Path) -> None:
    MAKERS[name][0](tmp_path / "data")
    assert left(tmp_path / "data") == []
    (tmp_path / "linked").symlink_to(tmp_path / "data")
    assert left(tmp_path / "linked") == []


def test_pictures_in_and_beside_class_folders_are_missed(tmp_path: Path) -> None:
    make_class_folders(tmp_path / "ours")
    strays = ["Training/glioma_tumor/patient/deep.PNG", "beside.png", "other/series/1.png"]
    unread = [".hidden.png", "other/._a.png", "pred/a.png", "masks/1.png", "other/1_mask.png"]
    for name in (*strays, *unread):
        save(tmp_path / "ours" / name)
    (tmp_path / "ours" / "notes.txt").write_text("no picture")
    assert sorted(left(tmp_path / "ours")) == strays


def test_whole_sets_are_missed_unless_others_were_asked_for(tmp_path: Path) -> None:
    make_class_folders(tmp_path / "good")
    save(tmp_path / "deep" / "glioma" / "p1" / "1.png")
    save(tmp_path / "deep" / "no_tumor" / "p2" / "2.png")
    save(tmp_path / "single" / "glioma" / "3.png")
    save(tmp_path / "loose.png")
    for label in ("knee", "lung"):
        save(tmp_path / "others" / label / "4.png")
    strays = ["deep/glioma/p1/1.png", "deep/no_tumor/p2/2.png", "loose.png", "single/glioma/3.png"]
    assert sorted(left(tmp_path)) == strays
    assert left(tmp_path, "good") == []


@pytest.mark.parametrize("outer", ["cheng", "class_folders"])
def test_a_set_right_beside_the_folders_of_others_is_told(outer: str, tmp_path: Path) -> None:
    root = tmp_path / "data"
    MAKERS[outer][0](root)
    before = len(load_examples(root))
    for inner in ("sartaj", "lgg"):
        MAKERS[inner][0](root / inner)
    for read in (lambda: load_examples(root), lambda: audit([root])):
        with pytest.raises(DataError, match=rf"{outer} right beside other data sets \(lgg, sartaj"):
            read()
    assert len(load_examples(root, only=["data"])) == before
    assert load_examples(root, only=["sartaj"])
    own = root / outer
    own.mkdir()
    for path in list(root.iterdir()):
        if path.name not in ("sartaj", "lgg", outer):
            path.rename(own / path.name)
    assert {one.dataset for one in load_examples(root)} == {"sartaj", "lgg", outer}


def test_a_csv_passes_over_what_lies_beside_it(tmp_path: Path) -> None:
    MAKERS["csv"][0](tmp_path / "ours")
    save(tmp_path / "ours" / "forgotten.png")
    assert left(tmp_path / "ours") == ["forgotten.png"]
    table = next((tmp_path / "ours").glob("*.csv"))
    assert passed_over(table, load_examples(table)) == ()


def test_scans_that_are_no_pictures_are_missed_by_their_bytes(tmp_path: Path) -> None:
    make_class_folders(tmp_path / "ours")
    half = tmp_path / "ours" / "Training"
    for name in ("glioma_tumor/1.dcm", "glioma_tumor/IM0001", "meningioma/1.2.840.5"):
        (half / name).parent.mkdir(exist_ok=True)
        (half / name).write_bytes(dicom_bytes(dataset(picture())))
    for name in ("head.nii", "head_mask.nii"):
        (half / "meningioma" / name).write_bytes(nifti_bytes(block()))
    (half / "meningioma" / "notes").write_text("no scan")
    assert left(tmp_path / "ours") == [
        "Training/glioma_tumor/1.dcm",
        "Training/glioma_tumor/IM0001",
        "Training/meningioma/1.2.840.5",
        "Training/meningioma/head.nii",
    ]


def test_tables_of_labels_are_missed_where_they_are_not_read(tmp_path: Path) -> None:
    make_class_folders(tmp_path / "ours")
    (tmp_path / "ours" / "labels.csv").write_text("Image;Diagnosis\n1.jpg;glioma\n")
    (tmp_path / "ours" / "scanners.csv").write_text("scanner,field\nA,3\n")
    assert left(tmp_path / "ours") == ["labels.csv"]
    MAKERS["csv"][0](tmp_path / "table")
    assert left(tmp_path / "table") == []
    (tmp_path / "table" / "other.csv").write_text("file,class\na.png,glioma\n")
    assert left(tmp_path / "table") == ["other.csv"]


def test_links_to_pictures_are_pictures(tmp_path: Path) -> None:
    make_class_folders(tmp_path / "real")
    for path in (tmp_path / "real").rglob("*.jpg"):
        link = tmp_path / "ours" / path.relative_to(tmp_path / "real")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path)
    (tmp_path / "ours" / "again").symlink_to(tmp_path / "ours")
    assert left(tmp_path / "ours") == []


def test_the_audit_counts_what_it_did_not_look_at(tmp_path: Path) -> None:
    make_class_folders(tmp_path / "ours")
    save(tmp_path / "ours" / "beside<.png")
    save(tmp_path / "free" / "deep" / "taken.png")
    found = audit([tmp_path / "ours", tmp_path / "free"])
    assert found.passed_over == (tmp_path / "ours" / "beside<.png",)
    assert found.to_json()["passed_over"] == [(tmp_path / "ours" / "beside<.png").as_posix()]
    page = "".join(render_page(found))
    assert "not looked at: 1" in page
    assert "beside&lt;.png" in page
    found = audit([tmp_path / "free"])
    assert found.passed_over == ()
    assert "not looked at" not in "".join(render_page(found))


@pytest.mark.parametrize("name", ["cheng", "brisc", "br35h", "sartaj", "not_brain_mri"])
def test_real_sets_are_taken_up_whole(name: str) -> None:
    if not (DATA / name).is_dir():
        pytest.skip(f"no {DATA / name}")
    assert left(DATA / name) == []
