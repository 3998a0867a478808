import os
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest

from tests.lab.audit.made_pictures import draw
from tests.made_cases import made_flair_file
from tests.ui.conftest import Start
from tests.ui.made import APP, VIEWS, give, nifti, png, said, series, zipped
from tumorlens.model import Model
from tumorlens.notice import NOTICE
from tumorlens.prediction import Prediction, VolumePrediction, predict
from tumorlens.reading import read_data
from tumorlens.reporting.wording import percent
from tumorlens.scan import Volume
from tumorlens.ui import app, session
from tumorlens.ui.auditing import audit_folder

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"


def expected(data: bytes, model: Model) -> Prediction | VolumePrediction:
    return predict(read_data(data, source="made"), model=model)


def headline(answer: Prediction | VolumePrediction) -> str:
    best = percent(answer.probabilities[answer.label])
    return f"{answer.label.replace('_', ' ')} · {best}"


def bars(at: Any) -> dict[str, float]:
    """The probabilities as drawn in the first chart."""
    data = at.get("vega_lite_chart")[0].proto.data.data
    rows = pyarrow.ipc.open_stream(data).read_all().to_pylist()
    return {row["class"]: row["probability"] for row in rows}


@pytest.mark.parametrize("page", app.VIEWS)
def test_every_page_begins_with_its_title_and_the_notice(start: Start, page: str) -> None:
    at = start(page)
    assert not at.exception
    assert not at.error
    assert at.title[0].value == app.VIEWS[page][0]
    assert NOTICE in at.html[0].value


def test_pages_are_the_modules_of_views() -> None:
    modules = {path.stem for path in VIEWS.glob("*.py")} - {"__init__"}
    assert set(app.VIEWS) == modules


def test_a_scan_gets_the_librarys_answer(start: Start, model: Model) -> None:
    at = give(start(), ("scan.png", png()))
    answer = expected(png(), model)
    assert not at.exception
    assert [one.value for one in at.header] == [headline(answer)]
    assert f"tumor of any kind: {percent(answer.tumor_probability)}" in said(at)
    assert bars(at) == {name.replace("_", " "): p for name, p in answer.probabilities.items()}
    assert len(at.image) == 1
    assert {one.label for one in at.download_button} == {"Report", "Answer", "Picture"}
    assert not at.toggle  # this model does not outline


def test_class_method_opacity_and_kind_of_picture_are_chosen(start: Start) -> None:
    at = give(start(), ("scan.png", png()))
    pictures = [_picture(at)]
    at.selectbox(key="scans target").set_value("pituitary").run()
    pictures.append(_picture(at))
    at.slider(key="scans opacity").set_value(100).run()
    pictures.append(_picture(at))
    at.segmented_control(key="scans show").set_value("heatmap").run()
    pictures.append(_picture(at))
    at.segmented_control(key="scans show").set_value("scan").run()
    pictures.append(_picture(at))
    assert at.selectbox(key="scans method").options == ["grad-cam"]
    assert len(set(pictures)) == len(pictures)


def test_a_volume_is_walked_through(start: Start, volume: Volume, model: Model) -> None:
    at = give(start(), ("v.nii", nifti(volume)))
    answer = expected(nifti(volume), model)
    assert isinstance(answer, VolumePrediction)
    (slider,) = [one for one in at.slider if one.label == "Slice"]
    assert at.header[0].value == headline(answer)
    assert slider.value == answer.suspicious[0]
    assert (slider.min, slider.max) == (0, 11)
    first = _picture(at)
    slider.set_value(0).run()
    assert "Slice 0: not judged" in said(at)
    assert _picture(at) != first
    at.button[1].click().run()
    (slider,) = [one for one in at.slider if one.label == "Slice"]
    assert slider.value == answer.suspicious[1]
    assert f"Slice {slider.value}: " in said(at)


def test_a_series_as_files_and_as_a_zip_is_the_same_volume(start: Start, volume: Volume) -> None:
    files = {f"IM{n}": data for n, data in enumerate(series(volume))}
    loose = give(start(), *files.items())
    packed = give(start(), ("head.zip", zipped(files)))
    assert loose.header[0].value == packed.header[0].value
    assert _picture(loose) == _picture(packed)


def test_many_are_listed_and_the_bad_one_says_why(start: Start, volume: Volume) -> None:
    at = give(start(), ("a.png", png()), ("b*.png", b"no *picture*"), ("v.nii", nifti(volume)))
    table = at.dataframe[0].value
    assert list(table["scan"]) == ["a.png", "b*.png", "v.nii"]
    assert table["answer"][1] == "not read"
    at.selectbox(key="scans chosen").set_value("b*.png").run()
    assert not at.exception
    error = at.error[0].value
    assert "Expected" in error
    assert "Found a text file" in error
    assert "Export the scan" in error
    assert "Traceback" not in said(at)
    assert r"b\*\.png" in error


def test_an_outlining_model_shows_the_tumor_and_its_measures(
    start: Start, outlining_folder: Path, volume: Volume
) -> None:
    at = give(start(model=outlining_folder), ("v.nii", nifti(volume)))
    marked, table = _picture(at), at.table[0].value
    assert set(table.columns) == {
        "volume",
        "of the head",
        "area",
        "diameter",
        "in the picture",
    }
    at.toggle[0].set_value(False).run()
    assert _picture(at) != marked
    assert not at.table


def test_who_outlined_a_head_in_flair_is_told(start: Start, bundled: Path) -> None:
    at = give(start(model=bundled), ("p_flair.nii", made_flair_file()))
    assert "Tumor, outlined by tiny flair 0.0.1; all but the volume" in said(at)
    other = give(start(model=bundled), ("p_t2.nii", made_flair_file()))
    assert "Tumor; all but the volume" in said(other)


def test_the_outline_of_a_single_scan_is_measured(start: Start, outlining_folder: Path) -> None:
    at = give(start(model=outlining_folder), ("scan.png", png()))
    assert at.table[0].value["diameter"][0].endswith("pixels")


def test_a_refused_scan_says_why(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(scan: Any, model: Model) -> Any:
        return replace(predict(scan, model=model), accepted=False, reason="this is a knee")

    monkeypatch.setattr(session, "predict", refuse)
    at = give(start(), ("knee.png", png()))
    assert at.error[0].value == "**Refused:** this is a knee"
    assert not at.header  # no class is told as if it were an answer
    assert "means nothing here" in said(at)


def test_what_cannot_be_excluded_is_named(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def doubt(scan: Any, model: Model) -> Any:
        answer = predict(scan, model=model)
        return replace(answer, conformal_set=("glioma", "no_tumor"))

    monkeypatch.setattr(session, "predict", doubt)
    at = give(start(), ("scan.png", png()))
    assert "Cannot be excluded: **glioma, no tumor**" in said(at)
    assert at.info[0].value == "Refer to a radiologist"


def test_scans_stay_on_other_pages_until_they_are_forgotten(start: Start) -> None:
    at = give(start(), ("scan.png", png()))
    at.switch_page(str(VIEWS / "card.py")).run()
    at.switch_page(str(APP.parent / "views" / "scans.py")).run()
    assert len(at.header) == 1
    (forget,) = [one for one in at.button if one.label == "Forget these scans"]
    forget.click().run()
    assert len(at.header) == 0
    assert "Uploads stay in the memory" in said(at)


def test_taking_a_file_away_takes_its_answer_away(start: Start) -> None:
    at = give(start(), ("scan.png", png()))
    at.file_uploader[0].clear().run()
    assert len(at.header) == 0


def test_two_models_are_compared(
    start: Start, model_folder: Path, outlining_folder: Path, volume: Volume
) -> None:
    at = start("compare", folders=Path("/"))
    at.text_input(key="second model").set_value(str(outlining_folder)).run()
    give(at, ("scan.png", png()))
    assert not at.exception
    assert len(at.image) == 2
    assert at.success[0].value.startswith("Both say")  # the same weights
    assert len(at.table[0].value) == 4
    give(at, ("v.nii", nifti(volume)))
    assert len(at.image) == 2
    assert len([one for one in at.slider if one.label == "Slice"]) == 1


def test_models_that_disagree_are_said_to(
    start: Start, outlining_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def turn(scan: Any, model: Model) -> Any:
        answer = predict(scan, model=model)
        outlines = answer.evidence.outline is not None  # type: ignore[union-attr]
        return replace(answer, label="glioma" if outlines else "pituitary")

    monkeypatch.setattr(session, "predict", turn)
    at = start("compare", folders=Path("/"))
    at.text_input(key="second model").set_value(str(outlining_folder)).run()
    give(at, ("scan.png", png()))
    assert at.warning[0].value == "They disagree: pituitary and glioma."


@pytest.mark.parametrize("refusing", [{"first"}, {"second"}, {"first", "second"}])
def test_models_that_refuse_are_not_said_to_agree(
    start: Start, outlining_folder: Path, monkeypatch: pytest.MonkeyPatch, refusing: set[str]
) -> None:
    """Of a chest X-ray it said in green: both say no tumor."""

    def refuse(scan: Any, model: Model) -> Any:
        answer = predict(scan, model=model)
        which = "first" if answer.evidence.outline is None else "second"  # type: ignore[union-attr]
        return replace(answer, accepted=False, reason="no brain") if which in refusing else answer

    monkeypatch.setattr(session, "predict", refuse)
    at = start("compare", folders=Path("/"))
    at.text_input(key="second model").set_value(str(outlining_folder)).run()
    at = give(at, ("scan.png", png()))
    assert not at.success
    if len(refusing) == 2:
        assert at.error[0].value == "Both refuse this scan."
    else:
        assert f"the {refusing.pop()} model refuses this scan" in at.warning[0].value


def test_another_model_is_chosen_in_the_sidebar(start: Start, outlining_folder: Path) -> None:
    at = give(start(folders=Path("/")), ("scan.png", png()))
    assert not at.toggle
    at.sidebar.text_input[0].set_value(str(outlining_folder)).run()
    assert at.toggle[0].label == "Outline of the tumor"
    at.sidebar.text_input[0].set_value(str(outlining_folder.parent)).run()
    assert "card\\.json" in at.error[0].value
    assert not at.exception


def test_the_card_is_shown(start: Start) -> None:
    at = start("card")
    assert "tiny 0.0.1" in list(at.table[0].value["fact"])
    assert "its answers mean nothing" in said(at)
    assert "0.500 (0.250 to 0.750)" in at.table[1].value.to_numpy()


def test_a_run_is_drawn(start: Start) -> None:
    at = start("run", folders=ROOT)
    at.text_input(key="run folder").set_value(str(ROOT / "runs" / "default")).run()
    assert not at.exception
    assert len(at.get("vega_lite_chart")) == 2
    assert len(at.image) >= 1
    assert int(at.metric[0].value) == len(at.dataframe[0].value)


def test_a_run_that_is_none_says_so(start: Start, tmp_path: Path) -> None:
    at = start("run", folders=tmp_path)
    at.text_input(key="run folder").set_value(".").run()
    assert "history" in at.error[0].value


def test_a_folder_is_audited(start: Start, tmp_path: Path) -> None:
    for name, seed in {"a": 1, "b": 1, "c": 2}.items():
        draw(seed).save(tmp_path / f"{name}.png")
    at = start("audit", folders=tmp_path)
    at.text_input(key="audit folder").set_value(str(tmp_path)).run()
    at.button[0].click().run()
    assert not at.exception
    assert [one.value for one in at.metric] == ["3", "2"]
    assert "The same picture twice" in said(at)
    found = audit_folder(tmp_path, max_pictures=9, progress=lambda *_: None)
    assert len(at.dataframe) == len(found.tables)


@pytest.mark.parametrize(("page", "field"), [("run", "run folder"), ("compare", "second model")])
def test_a_public_app_opens_no_folder(start: Start, page: str, field: str) -> None:
    at = start(page)
    at.text_input(key=field).set_value("/").run()
    assert "anybody may visit" in at.error[0].value
    assert not at.sidebar.text_input


def test_a_model_that_cannot_be_used_is_told_kindly(start: Start, tmp_path: Path) -> None:
    at = start(model=tmp_path)
    assert not at.exception
    assert "model folder with model" in at.error[0].value


def test_real_scans_are_answered(start: Start, model: Model) -> None:
    heads = SHARED / "volumes" / "dicom_t1"
    if not heads.is_dir():
        pytest.skip("no ../shared/data: the app was not tried on a real series")
    files = [(path.name, path.read_bytes()) for path in sorted(heads.iterdir())]
    at = give(start(), *files)
    assert not at.exception
    assert len(at.image) == 1
    (slider,) = [one for one in at.slider if one.label == "Slice"]
    assert slider.max == len(files) - 1


def test_the_app_of_the_cloud_opens_this_repository_only() -> None:
    from streamlit.testing.v1 import AppTest

    at = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120).run()
    assert not at.exception
    at.selectbox(key="example").set_value("simulated_meningioma_coronal.jpg").run()
    assert len(at.header) == 1
    at.switch_page(str(VIEWS / "run.py")).run()
    at.text_input(key="run folder").set_value("runs/default").run()
    assert len(at.metric) == 3
    at.text_input(key="run folder").set_value("/etc").run()
    assert "none of this name" in at.error[0].value


def test_both_configurations_are_the_same() -> None:
    inner = APP.parent / ".streamlit" / "config.toml"
    assert (ROOT / ".streamlit" / "config.toml").read_bytes() == inner.read_bytes()


def _luminance(colour: list[float]) -> float:
    linear = [((v + 0.055) / 1.055) ** 2.4 if v > 0.03928 else v / 12.92 for v in colour]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_captions_have_the_contrast_of_wcag_aa(theme: str) -> None:
    """Streamlit draws captions in the text's colour at 60 %."""
    told = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["theme"][theme]
    names = ("textColor", "backgroundColor", "secondaryBackgroundColor")
    text, *grounds = (np.frombuffer(bytes.fromhex(told[name][1:]), np.uint8) for name in names)
    for ground in grounds:
        faded = 0.6 * text / 255 + 0.4 * ground / 255
        dark, bright = sorted((_luminance(list(faded)), _luminance(list(ground / 255))))
        assert (bright + 0.05) / (dark + 0.05) >= 4.5


WITHOUT_LAB = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name == "tumorlens.lab" or name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"no module {{name}}", name=name)

sys.meta_path.insert(0, Blocked())
from streamlit.testing.v1 import AppTest
at = AppTest.from_file({app!r}, default_timeout=60).run()
at.file_uploader[0].upload("a.png", open({picture!r}, "rb").read()).run()
assert not at.exception and len(at.header) == 1, at
for page in {pages!r}:
    at.switch_page(page).run()
    assert not at.exception, page
at.text_input(key="audit folder").set_value(".").run()
at.button[0].click().run()
assert not at.exception
assert "tumorlens" in at.error[0].value and "lab" in at.error[0].value, at.error
"""


def test_the_app_needs_no_pytorch(model_folder: Path, picture: Path) -> None:
    blocked = ("torch", "torchvision", "timm", "matplotlib", "sklearn", "scipy", "cv2", "monai")
    pages = [str(VIEWS / f"{name}.py") for name in app.VIEWS]
    script = WITHOUT_LAB.format(blocked=blocked, app=str(APP), picture=str(picture), pages=pages)
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"TUMORLENS_UI_MODEL": str(model_folder), "TUMORLENS_UI_FOLDERS": "/"},
    )
    assert done.returncode == 0, done.stderr


def _picture(at: Any) -> str:
    """Where the browser gets the first picture; the address is a hash of the bytes."""
    return str(at.image[0].value[0])
