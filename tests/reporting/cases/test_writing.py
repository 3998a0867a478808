import json
import re
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

import tumorlens
from tests.made_cases import (
    CARD,
    dice,
    made_head,
    save_case,
    save_unplaced_case,
    write_volume_model,
)
from tumorlens.errors import ConfigError
from tumorlens.model import Model
from tumorlens.prediction import predict
from tumorlens.reading.case import find_case
from tumorlens.reporting.cases import write_case_segments, writing
from tumorlens.reporting.cases.planes import COLOURS, draw_planes, shown_slices
from tumorlens.reporting.cases.upright import upright
from tumorlens.reporting.folder import alone_in
from tumorlens.reporting.outline_inputs import find_inputs
from tumorlens.scan import Scan
from tumorlens.volume_outlining import load_volume_model, outline_case
from tumorlens.volume_outlining.regions import tissue_names


@pytest.mark.parametrize("axcodes", ["LPS", "RAS", "SPL"])
def test_labels_lie_on_the_files_own_grid(tmp_path: Path, axcodes: str) -> None:
    folder = save_case(tmp_path / "case", made_head(), axcodes=axcodes)
    model = load_volume_model(write_volume_model(tmp_path / "model"))
    found = find_inputs([str(folder)])
    inputs, refused = found.inputs, found.refused
    (record,) = write_case_segments(inputs, tmp_path / "out", model=model, refused=refused)
    found = nibabel.load(tmp_path / "out" / "case_seg.nii.gz")
    truth = nibabel.load(folder / "case_seg.nii.gz")
    assert found.shape == truth.shape
    assert nibabel.aff2axcodes(found.affine) == tuple(axcodes)
    np.testing.assert_allclose(found.affine, truth.affine)
    assert found.get_data_dtype() == np.uint8
    labels = np.asarray(found.dataobj)
    assert set(np.unique(labels)) == {0, 1, 2, 4}
    for label in (1, 2, 4):
        assert dice(labels == label, np.asarray(truth.dataobj) == label) > 0.98
    ml = (np.asarray(truth.dataobj) > 0).sum() / 1000
    assert record["volumes_ml"]["WT"] == pytest.approx(ml, rel=0.02)
    assert json.loads((tmp_path / "out" / "segments.json").read_text()) == [record]


def test_the_page_needs_nothing_else_and_holds_every_input(tmp_path: Path) -> None:
    root = tmp_path / "scans"
    save_case(root / "b<i>d", made_head())
    save_case(root / "twin", made_head() | {"t2": made_head()["flair"]})
    nibabel.save(nibabel.Nifti1Image(made_head()["t1"], np.eye(4)), root / "lone.nii.gz")
    model = load_volume_model(write_volume_model(tmp_path / "model"))
    found = find_inputs([str(root)])
    inputs, refused = found.inputs, found.refused
    records = list(write_case_segments(inputs, tmp_path / "out", model=model, refused=refused))
    assert sum("error" in record for record in records) == 2
    page = (tmp_path / "out" / "index.html").read_text()
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert "http" not in page.replace("http-equiv", "")
    assert "b&lt;i&gt;d" in page
    assert page.count("refused</strong>") == 2
    assert "3 inputs: 1 outlined by tiny 0.0.1, 2 refused." in page
    assert "without the skull" not in page
    data = re.findall(r"class=\"surfaces\">(.*?)</script>", page, re.DOTALL)
    names = [surface["name"] for surface in json.loads(data[0])]
    assert names == ["ET", "TC", "WT", "brain"]
    assert len(page) < 600_000


def test_unknown_volumes_and_distances_are_null_in_records_and_words_on_the_page(
    tmp_path: Path,
) -> None:
    inputs = find_inputs([str(save_unplaced_case(tmp_path / "case", made_head(), step=0))]).inputs
    unknown = {"dice": {"mean": 0.9}, "hd95_mm": {"mean": None}}
    card = replace(CARD, scores={"WT": unknown})
    model = load_volume_model(write_volume_model(tmp_path / "model", card))
    (record,) = write_case_segments(inputs, tmp_path / "out", model=model)
    assert record["volumes_ml"] == {"WT": None, "TC": None, "ET": None}
    assert "size of the voxels is unknown" in record["notes"][0]
    page = (tmp_path / "out" / "index.html").read_text()
    assert page.count('<td class="number">unknown</td>') == 3
    assert "<td>95 % Hausdorff distance unknown</td>" in page


def test_a_page_of_others_is_not_written_over(tmp_path: Path) -> None:
    model = load_volume_model(write_volume_model(tmp_path / "model"))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "index.html").write_text("mine")
    with pytest.raises(ConfigError, match="another origin"):
        list(write_case_segments([], tmp_path / "out", model=model))


def test_a_report_of_answers_is_not_written_over(model: Model, scan: Scan, tmp_path: Path) -> None:
    tumorlens.write_report([(scan, predict(scan, model=model))], tmp_path, card=model.card)
    page = (tmp_path / "index.html").read_bytes()
    outlining = load_volume_model(write_volume_model(tmp_path / "model"))
    with pytest.raises(ConfigError, match=r"report of answers in it \(answers.json\)"):
        list(write_case_segments([], tmp_path, model=outlining))
    assert (tmp_path / "index.html").read_bytes() == page


def test_label_maps_of_others_are_not_written_over(tmp_path: Path) -> None:
    model = load_volume_model(write_volume_model(tmp_path / "model"))
    inputs = find_inputs([str(save_case(tmp_path / "case", made_head()))]).inputs
    (tmp_path / "out").mkdir()
    for name in ("case_seg.nii.gz", "case_planes.png", "segments.json"):
        mine = tmp_path / "out" / name
        mine.write_text("mine")
        with pytest.raises(ConfigError, match=f"a file {name} that no earlier run wrote"):
            list(write_case_segments(inputs, tmp_path / "out", model=model))
        assert mine.read_text() == "mine"
        mine.unlink()


def test_an_interrupted_run_records_what_it_wrote_and_the_next_goes_on(tmp_path: Path) -> None:
    model = load_volume_model(write_volume_model(tmp_path / "model"))
    cases = [save_case(tmp_path / "in" / name, made_head()) for name in ("first", "second")]
    inputs = find_inputs([*map(str, cases)]).inputs

    def interrupted(case: str, done: int, total: int) -> None:
        if case == "second":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(write_case_segments(inputs, tmp_path / "out", model=model, progress=interrupted))
    (record,) = json.loads((tmp_path / "out" / "segments.json").read_text())
    assert record["mask"] == "first_seg.nii.gz"
    assert not find_inputs([str(tmp_path / "out")]).inputs[0].files
    assert len(list(write_case_segments(inputs, tmp_path / "out", model=model))) == 2


def test_the_page_says_by_what_the_skull_was_taken_off(tmp_path: Path) -> None:
    model = load_volume_model(write_volume_model(tmp_path / "model"))
    inputs = find_inputs([str(save_case(tmp_path / "case", made_head()))]).inputs
    (record,) = write_case_segments(inputs, tmp_path / "out", model=model, skull_strip="radial")
    assert record["skull_strip"] == "radial"
    page = (tmp_path / "out" / "index.html").read_text()
    assert "Answered without the skull, taken off by radial." in page


def test_no_other_run_may_write_before_the_page_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_volume_model(write_volume_model(tmp_path / "model"))
    inputs = find_inputs([str(save_case(tmp_path / "case", made_head()))]).inputs
    render = writing.render_cases

    def beside(*words: object) -> str:
        with pytest.raises(ConfigError, match="another run"), alone_in(tmp_path / "out"):
            pass
        return render(*words)

    monkeypatch.setattr(writing, "render_cases", beside)
    list(write_case_segments(inputs, tmp_path / "out", model=model))
    assert (tmp_path / "out" / "index.html").exists()


def test_earlier_outlines_are_replaced(tmp_path: Path) -> None:
    model = load_volume_model(write_volume_model(tmp_path / "model"))
    for name in ("one", "other"):
        inputs = find_inputs([str(save_case(tmp_path / name, made_head()))]).inputs
        list(write_case_segments(inputs, tmp_path / "out", model=model))
    page = (tmp_path / "out" / "index.html").read_text()
    assert "other" in page
    assert page.count("<article") == 1


def test_refused_inputs_take_no_head_s_surfaces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "SURFACES", 1)
    lone = tmp_path / "lone.nii.gz"
    nibabel.save(nibabel.Nifti1Image(made_head()["t1"], np.eye(4)), lone)
    cases = [save_case(tmp_path / name, made_head()) for name in ("first", "second")]
    model = load_volume_model(write_volume_model(tmp_path / "model"))
    inputs = find_inputs([str(lone), *map(str, cases)]).inputs
    records = list(write_case_segments(inputs, tmp_path / "out", model=model))
    assert ["error" in record for record in records] == [True, False, False]
    _, refused, first, second = (tmp_path / "out" / "index.html").read_text().split("<article")
    found = [part.count('class="surfaces"') for part in (refused, first, second)]
    assert found == [0, 1, 0]


def test_planes_show_the_tumor_where_radiologists_expect_it(tmp_path: Path) -> None:
    case = find_case(save_case(tmp_path / "case", made_head(), axcodes="RAS"))
    assert case is not None
    outline = outline_case(case, load_volume_model(write_volume_model(tmp_path / "model")))
    head = upright(outline.head, outline.labels)
    assert shown_slices(head) == pytest.approx((26.5, 14.5, 20.5), abs=1)
    picture = draw_planes(head, tissue_names(("WT", "TC", "ET")))
    assert isinstance(picture, Image.Image)
    pixels = np.asarray(picture).astype(int)
    spots = []
    for left, right in ((8, 96), (104, 192), (200, 280)):  # axial, coronal, sagittal
        panel = pixels[8:80, left:right]
        red, green, blue = np.moveaxis(panel, -1, 0)
        enhancing = (red - blue > 80) & (red - green > 40)
        spots.append(np.argwhere(enhancing).mean(axis=0) / panel.shape[:2])
    axial, coronal, sagittal = spots
    assert axial[1] > 0.5  # the patient's left is on the right
    assert axial[0] < 0.5  # the front is at the top
    assert coronal[1] > 0.5
    assert coronal[0] < 0.5  # the head is at the top
    assert sagittal[1] < 0.5  # the front is on the left
    assert set(COLOURS) == {1, 2, 4}
