import json
import re
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
from pydicom import dcmread
from typer.testing import CliRunner

from tests.conftest import head, write_picture
from tests.reading.made import DATA, needs_data
from tests.reporting.made_dicom import PATIENT, dump, needs_dcmtk, write_series, write_single
from tumorlens.cli import app


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [*map(str, words)])
    return result.exit_code, re.sub(r"\s+", " ", result.output)


def test_segment_writes_both_objects(tmp_path: Path, outlining_folder: Path) -> None:
    series, single = write_series(tmp_path / "series"), write_single(tmp_path / "one.dcm")
    out = tmp_path / "out"
    code, said = run("segment", series, single, "-o", out, "-m", outlining_folder, "--dicom")
    assert code == 0, said
    records = json.loads((out / "segments.json").read_text())
    assert [record["dicom"] for record in records] == [
        ["series_seg.dcm", "series_sr.dcm"],
        ["one_seg.dcm", "one_sr.dcm"],
    ]
    for record in records:
        segmentation, report = (dcmread(out / name) for name in record["dicom"])
        assert (segmentation.Modality, report.Modality) == ("SEG", "SR")
        assert segmentation.SOPInstanceUID in str(report)
    written = np.asarray(nibabel.load(out / "series_seg.nii.gz").dataobj)
    assert dcmread(out / "series_seg.dcm").pixel_array.sum() == written.sum() > 0


def test_predict_writes_reports(tmp_path: Path, outlining_folder: Path) -> None:
    series, single = write_series(tmp_path / "series"), write_single(tmp_path / "one.dcm")
    out = tmp_path / "out"
    code, said = run("predict", series, single, "-o", out, "-m", outlining_folder, "--dicom")
    assert code == 0, said
    assert sorted(p.name for p in (out / "dicom").iterdir()) == ["one_sr.dcm", "series_sr.dcm"]
    assert dcmread(out / "dicom" / "one_sr.dcm").PatientID == PATIENT["PatientID"]


def test_the_patient_stands_in_dicom_files_only(tmp_path: Path, outlining_folder: Path) -> None:
    series = write_series(tmp_path / "series")
    for verb in ("predict", "segment"):
        run(verb, series, "-o", tmp_path / verb, "-m", outlining_folder, "--dicom")
    files = [p for verb in ("predict", "segment") for p in (tmp_path / verb).rglob("*.*")]
    named = {p.suffix for p in files if p.is_file() and b"Muster" in p.read_bytes()}
    assert named == {".dcm"}


@pytest.mark.parametrize("verb", ["predict", "segment"])
@pytest.mark.parametrize("kind", ["picture", "nifti", "case"])
def test_what_is_no_dicom_is_wrong_usage(
    tmp_path: Path, outlining_folder: Path, verb: str, kind: str
) -> None:
    voxels = np.stack([head(blob=float(b)) for b in (0, 90)], axis=-1).astype(np.int16)
    path = tmp_path / kind
    if kind == "picture":
        write_picture(path.with_suffix(".png"), head(96, 80, blob=120.0))
        path = path.with_suffix(".png")
    else:
        path.mkdir()
        for name in ("a_flair", "a_t1")[: 1 + (kind == "case")]:
            nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), path / f"{name}.nii.gz")
    out = tmp_path / "out"
    code, said = run(verb, path, "-o", out, "-m", outlining_folder, "--dicom")
    assert code == 2
    assert "DICOM files and series only" in said
    assert not out.exists()


def test_a_series_that_cannot_be_tied_is_refused_and_the_others_go_on(
    tmp_path: Path, outlining_folder: Path
) -> None:
    bare = write_single(tmp_path / "bare.dcm", StudyInstanceUID=None)
    single = write_single(tmp_path / "one.dcm")
    for verb in ("predict", "segment"):
        out = tmp_path / verb
        code, said = run(verb, bare, single, "-o", out, "-m", outlining_folder, "--dicom")
        assert code == 1
        assert "StudyInstanceUID" in said
        assert {p.name for p in out.rglob("*_sr.dcm")} == {"one_sr.dcm"}
    assert not list((tmp_path / "segment").glob("bare*"))


@pytest.mark.parametrize("name", ["one_seg.dcm", "one_sr.dcm", "segments.json"])
def test_objects_of_others_beside_the_scan_stay(
    tmp_path: Path, outlining_folder: Path, name: str
) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    single = write_single(scans / "one.dcm")
    (scans / name).write_text("mine")
    command = ("segment", single, "-o", scans, "-m", outlining_folder)
    code, said = run(*command, "--dicom")
    assert code == 2
    assert f"a file {name} that no earlier run wrote" in " ".join(said.split())
    assert (scans / name).read_text() == "mine"
    assert run(*command)[0] == (2 if name == "segments.json" else 0)


def test_a_second_run_replaces_its_own_objects(tmp_path: Path, outlining_folder: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    write_single(scans / "one.dcm")
    for _ in range(2):
        code, said = run("segment", scans, "-o", scans, "-m", outlining_folder, "--dicom")
        assert code == 0, said
    (record,) = json.loads((scans / "segments.json").read_text())
    assert record["dicom"] == ["one_seg.dcm", "one_sr.dcm"]


def test_a_folder_is_needed_for_reports(tmp_path: Path, outlining_folder: Path) -> None:
    single = write_single(tmp_path / "one.dcm")
    code, said = run("predict", single, "-m", outlining_folder, "--dicom")
    assert code == 2
    assert "--output" in said


def test_without_highdicom_the_way_to_install_it_is_told(
    tmp_path: Path, outlining_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [n for n in sys.modules if n.startswith("tumorlens.reporting.dicom_")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "highdicom", None)
    single = write_single(tmp_path / "one.dcm")
    for verb in ("predict", "segment"):
        code, said = run(verb, single, "-o", tmp_path / "o", "-m", outlining_folder, "--dicom")
        assert code == 2
        assert "tumorlens[dicom]" in said


@needs_data
@needs_dcmtk
def test_a_real_series(tmp_path: Path, outlining_folder: Path) -> None:
    series = DATA / "volumes" / "dicom_t1"
    code, said = run("segment", series, "-o", tmp_path, "-m", outlining_folder, "--dicom")
    assert code == 0, said
    assert "=SegmentationStorage" in dump("dcmdump", tmp_path / "dicom_t1_seg.dcm")
    assert "Not for diagnosis" in dump("dsrdump", "+Pl", tmp_path / "dicom_t1_sr.dcm")
