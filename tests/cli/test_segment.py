import json
import re
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.conftest import head, write_picture
from tests.made_cases import dice, made_head, save_case
from tests.made_gliomas import made_glioma
from tumorlens.cli import app
from tumorlens.reading.own_files import RECORD
from tumorlens.reporting.wording import PICTURE_SIDES, SLICE_NUMBERS


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["segment", *map(str, words)])
    return result.exit_code, result.output


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """A picture, a case of two sequences with its labels, and a lone volume."""
    folder = tmp_path / "scans"
    (folder / "case").mkdir(parents=True)
    write_picture(folder / "one.png", head(96, 80, blob=120.0))
    blobs = np.array([0, 20, 120, 150, 110, 30])
    voxels = np.stack([head(blob=float(b)) for b in blobs], axis=-1).astype(np.int16)
    for name in ("case/p_flair", "case/p_t1ce", "case/p_seg", "lone"):
        shown = voxels // 2 if name.endswith("t1ce") else voxels
        nibabel.save(nibabel.Nifti1Image(shown, np.diag([1, 1, 5, 1])), folder / f"{name}.nii.gz")
    return folder


def test_every_kind_of_input_gets_its_mask(
    scans: Path, outlining_folder: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    code, _ = run(scans, "--output", output, "--model", outlining_folder)
    assert code == 0
    names = sorted(path.name for path in output.iterdir())
    assert names == ["case_seg.nii.gz", "lone_seg.nii.gz", "one.mask.png", "segments.json"]
    records = {
        Path(r["source"]).name: r for r in json.loads((output / "segments.json").read_text())
    }
    assert set(records) == {"case", "lone.nii.gz", "one.png"}
    assert records["case"]["missing"] == ["t1", "t2"]
    assert records["case"]["outlined"] == ["flair"]
    mask = np.asarray(Image.open(output / "one.mask.png"))
    assert mask.shape == (96, 80)
    assert set(np.unique(mask)) <= {0, 255}
    tumor = records["one.png"]["tumor_probability"] >= 0.5
    assert (mask.any(), records["one.png"]["side"] is not None) == (tumor, tumor)
    labels = nibabel.load(output / "case_seg.nii.gz")
    assert labels.shape == (96, 96, 6)
    np.testing.assert_allclose(labels.affine, np.diag([1, 1, 5, 1]))


def test_it_is_told_how_places_and_slices_are_meant(tmp_path: Path) -> None:
    head, affine = made_glioma()
    save_case(tmp_path / "case", {"flair": head["flair"]}, affine=affine, axcodes="LPS")
    code, said = run(tmp_path / "case", "--output", tmp_path / "out")
    assert code == 0, said
    for told in (SLICE_NUMBERS, PICTURE_SIDES, "without t1c"):
        assert told in said
    _, told = run("--help")
    assert "left in axial and coronal slices is the patient's right" in " ".join(told.split())


def test_a_volume_of_another_sequence_is_told(
    scans: Path, outlining_folder: Path, tmp_path: Path
) -> None:
    case = scans / "case"
    for old, new in (("p_flair", "sub-01_FLAIR"), ("p_t1ce", "sub-01_ce-GD_T1w")):
        (case / f"{old}.nii.gz").rename(case / f"{new}.nii.gz")
    (case / "sub-01_PDw.nii.gz").write_bytes((scans / "lone.nii.gz").read_bytes())
    output = tmp_path / "out"
    code, said = run(case, "--output", output, "--model", outlining_folder)
    assert code == 0, said
    assert "passed over, being of no sequence of a case" in said
    assert str(case / "sub-01_PDw.nii.gz") in said.replace("\n", "")
    [record] = json.loads((output / RECORD).read_text())
    assert record["sequences"] == ["t1c", "flair"]
    assert record["passed_over"] == ["sub-01_PDw.nii.gz"]


def test_whole_tumors_are_outlined_by_the_second_bundled_model(tmp_path: Path) -> None:
    head, affine = made_glioma()
    truth = head.pop("seg") > 0
    save_case(tmp_path / "scans" / "case", head, affine=affine)
    save_case(tmp_path / "scans" / "flat", {"flair": head["flair"]}, affine=affine, axcodes="LPS")
    output = tmp_path / "out"
    code, said = run(tmp_path / "scans", "--output", output, "--json")
    assert code == 0, said
    records = {record["mask"]: record for record in json.loads((output / RECORD).read_text())}
    sequences = {"case_seg.nii.gz": ["flair", "t1c"], "flat_flair_seg.nii.gz": ["flair"]}
    assert set(records) == set(sequences)
    stored = {}
    for mask, record in records.items():
        assert record.get("outlined", ["flair"]) == sequences[mask]
        assert record["outlined_by"]["name"] == "whole_tumor"
        assert (output / record["picture"]).is_file()
        found = nibabel.load(output / mask)
        stored[mask] = nibabel.aff2axcodes(found.affine)
        turned = nibabel.as_closest_canonical(found)
        np.testing.assert_allclose(turned.affine, affine)
        labels = np.asarray(turned.dataobj)
        assert set(np.unique(labels)) == {0, 1}
        assert dice(labels > 0, truth) > 0.75
        assert record["volume_ml"] == pytest.approx(labels.sum() * 0.027, abs=0.1)
        assert record["side"] == "left"  # of the picture, as radiologists see it
    assert stored == {"case_seg.nii.gz": tuple("RAS"), "flat_flair_seg.nii.gz": tuple("LPS")}
    assert any("without t1c" in note for note in records["flat_flair_seg.nii.gz"]["notes"])
    assert records["flat_flair_seg.nii.gz"]["source"].endswith("flat_flair.nii.gz")


def test_what_looks_like_no_brain_is_told(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (120, 120))
    write_picture(tmp_path / "noise.png", noise.astype(np.float32))
    code, said = run(tmp_path / "noise.png", "-o", tmp_path / "out")
    assert code == 0, said
    assert "not accepted" in said
    (record,) = json.loads((tmp_path / "out" / RECORD).read_text())
    assert record["accepted"] is False
    assert record["reason"]


def test_one_sequence_under_two_names_is_refused_whatever_it_shows(tmp_path: Path) -> None:
    flair = made_head()["flair"] // 3
    case = save_case(tmp_path / "case", {"flair": flair, "t1c": flair})
    code, said = run(case, "-o", tmp_path / "out", "--json")
    assert code == 1
    assert "same voxels" in said


def test_a_case_of_single_slices_is_refused_and_the_others_go_on(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    head_of_four = made_head()
    thin = {name: head_of_four[name][:, :, 18:19] for name in ("flair", "t1c")}
    save_case(scans / "thin", thin)
    write_picture(scans / "one.png", head(96, 80))
    code, said = run(scans, "-o", tmp_path / "out", "--json")
    assert code == 1
    assert "one slice" in said
    assert len(json.loads((tmp_path / "out" / RECORD).read_text())) == 2


def test_an_outline_of_ones_own_beside_the_scan_stays(
    scans: Path, outlining_folder: Path, tmp_path: Path
) -> None:
    own = scans / "lone_seg.nii.gz"
    own.write_bytes((scans / "case" / "p_seg.nii.gz").read_bytes())
    before = own.read_bytes()
    code, said = run(scans / "lone.nii.gz", "-o", scans, "-m", outlining_folder)
    assert code == 2
    assert "lone_seg.nii.gz that no earlier run wrote" in re.sub(r"\s+", " ", said)
    assert own.read_bytes() == before


@pytest.mark.parametrize(
    "name",
    [
        *("one.mask.png", "one_seg.nii.gz", "lone_seg.nii.gz", "case_seg.nii.gz"),
        *("case_planes.png", "lone_planes.png", RECORD),
    ],
)
def test_nothing_of_others_is_written_over_in_any_folder(
    scans: Path, outlining_folder: Path, tmp_path: Path, name: str
) -> None:
    labels = tmp_path / "labels"
    labels.mkdir()
    (labels / name).write_text('{"by": "hand"}')
    code, said = run(scans, "-o", labels, "-m", outlining_folder)
    assert code == 2
    assert f"a file {name} that no earlier run wrote" in re.sub(r"\s+", " ", said)
    assert [path.name for path in labels.iterdir()] == [name]
    assert (labels / name).read_text() == '{"by": "hand"}'


def test_every_run_knows_what_any_earlier_one_wrote(tmp_path: Path, outlining_folder: Path) -> None:
    a, b = (write_picture(tmp_path / f"{n}.png", head(96, 80, blob=120.0)) for n in "ab")
    out = tmp_path / "out"
    for scan in (a, b, a):
        code, said = run(scan, "-o", out, "-m", outlining_folder)
        assert code == 0, said
    assert sorted(path.name for path in out.iterdir()) == ["a.mask.png", "b.mask.png", RECORD]
    records = json.loads((out / RECORD).read_text())
    assert [record["source"] for record in records] == [str(b), str(a)]


def test_links_to_themselves_and_empty_folders_are_refused_and_the_others_go_on(
    tmp_path: Path, outlining_folder: Path
) -> None:
    scans = tmp_path / "scans"
    (tmp_path / "empty").mkdir()
    scans.mkdir()
    write_picture(scans / "one.png", head(96, 80))
    (scans / "loop.png").symlink_to(scans / "loop.png")
    code, said = run(scans, tmp_path / "empty", "-o", scans, "-m", outlining_folder, "--json")
    assert code == 1, said
    records = json.loads((scans / RECORD).read_text())
    refused = sorted(Path(record["source"]).name for record in records if "error" in record)
    assert refused == ["empty", "loop.png"]
    assert (scans / "one.mask.png").is_file()


def test_a_second_run_takes_no_outline_for_a_scan(
    scans: Path, outlining_folder: Path, tmp_path: Path
) -> None:
    (scans / "case" / "p_t1ce.nii.gz").unlink()
    output = scans / "out"
    for _ in range(2):
        code, said = run(scans, "-o", output, "-m", outlining_folder)
        assert code == 0, said
    assert len(json.loads((output / RECORD).read_text())) == 3


def test_label_maps_alone_are_nothing_to_outline(tmp_path: Path, outlining_folder: Path) -> None:
    save_case(tmp_path / "labels", {"seg": made_head()["seg"]})
    code, said = run(tmp_path / "labels", "-o", tmp_path / "out", "-m", outlining_folder)
    assert code == 1
    assert "label maps" in said


def test_a_bad_input_is_told_and_the_others_go_on(
    scans: Path, outlining_folder: Path, tmp_path: Path
) -> None:
    (scans / "bad.png").write_bytes(b"no picture")
    output = tmp_path / "out"
    code, said = run(scans, "-o", output, "-m", outlining_folder, "--json")
    assert code == 1
    assert "bad.png" in said
    records = json.loads((output / "segments.json").read_text())
    assert sum("error" in record for record in records) == 1
    assert len(records) == 4


def test_names_are_no_markup(tmp_path: Path, outlining_folder: Path) -> None:
    names = ["a[red]x.png", "b[bold].png"]
    for name in names:
        write_picture(tmp_path / name, head(blob=60))
    given = ["--model", outlining_folder, "--output", tmp_path / "out"]
    status, told = run(*(tmp_path / name for name in names), *given)
    assert status == 0
    assert all(name in told for name in names)


def test_a_model_that_does_not_outline_is_wrong_usage(
    scans: Path, model_folder: Path, tmp_path: Path
) -> None:
    code, said = run(scans / "one.png", "-o", tmp_path / "out", "-m", model_folder)
    assert code == 2
    assert "outlines" in re.sub(r"\s+", " ", said)
    assert not (tmp_path / "out" / "segments.json").exists()
