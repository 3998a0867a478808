import errno
import json
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import tumorlens
from tests.conftest import head
from tests.made_cases import made_flair
from tumorlens.errors import ConfigError, ScanCorruptError
from tumorlens.model import Model
from tumorlens.notice import NOTICE
from tumorlens.prediction import predict
from tumorlens.reporting import folder as report_folder
from tumorlens.reporting import page as report_page
from tumorlens.reporting.folder import FileNames
from tumorlens.scan import Scan, Volume

DATA = (Path(__file__).parents[3] / "shared" / "data").resolve()
EVIL = '<script>alert("1")</script>&\'.png'
REFUSAL = ScanCorruptError(
    expected="a <b>whole</b> file", found="half & half", remedy="Copy it.", source="<i>bad</i>"
)


class _Page(HTMLParser):
    """Collects tags and text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def _answered(model: Model, *scans: Scan | Volume) -> list[Any]:
    return [(scan, predict(scan, model=model)) for scan in scans]


def _named(source: str) -> Scan:
    return Scan(head(64, 48, blob=80.0), source)


def test_report_has_page_answers_and_overlays(
    model: Model, scan: Scan, volume: Volume, tmp_path: Path
) -> None:
    results = [*_answered(model, scan, volume), REFUSAL]
    page = tumorlens.write_report(results, tmp_path / "new" / "report", card=model.card)
    place = tmp_path / "new" / "report"
    assert page == place / "index.html"
    assert {path.name for path in place.iterdir()} == {
        "index.html", "answers.json", "answers.csv", "overlays",
    }  # fmt: skip
    records = json.loads((place / "answers.json").read_text())
    assert len(records) == 3
    listed = [file for record in records for file in record.get("overlays", ())]
    assert len(listed) == 4
    assert sorted(listed) == sorted(f"overlays/{p.name}" for p in (place / "overlays").iterdir())
    for file in listed:
        with Image.open(place / file) as picture:
            picture.verify()


def test_page_stands_alone_and_says_what_it_must(
    model: Model, scan: Scan, volume: Volume, tmp_path: Path
) -> None:
    path = tumorlens.write_report(
        [*_answered(model, scan, volume), REFUSAL], tmp_path, card=model.card
    )
    page = _Page(path)
    names = [tag for tag, _ in page.tags]
    assert "script" not in names
    assert "link" not in names
    images = [attributes["src"] or "" for tag, attributes in page.tags if tag == "img"]
    assert len(images) == 3 * 4
    assert all(source.startswith("data:image/jpeg;base64,") for source in images)
    assert names.count("polyline") == 1
    for words in (NOTICE, model.card.sha256, "Only a test", "half & half", "Copy it.", "0.25"):
        assert words in page.text
    assert "url(" not in path.read_text(encoding="utf-8")


def test_everything_is_escaped(model: Model, tmp_path: Path) -> None:
    evil = replace(model, card=replace(model.card, name=EVIL, limitations=(EVIL,)))
    results = [*_answered(evil, _named(EVIL)), REFUSAL]
    page = _Page(tumorlens.write_report(results, tmp_path, card=evil.card))
    assert not {"script", "i", "b"} & {tag for tag, _ in page.tags}
    assert page.text.count(EVIL) >= 3
    assert "a <b>whole</b> file" in page.text


def test_links_of_the_page_lead_somewhere(model: Model, volume: Volume, tmp_path: Path) -> None:
    results = [*_answered(model, _named("a.png"), volume), REFUSAL]
    page = _Page(tumorlens.write_report(results, tmp_path, card=model.card))
    ids = {attributes.get("id") for _, attributes in page.tags}
    targets = {attributes["href"] for tag, attributes in page.tags if tag == "a"}
    for target in targets:
        assert target is not None
        assert target[1:] in ids if target.startswith("#") else (tmp_path / target).is_file()


def test_paths_that_are_no_text_are_no_problem(model: Model, tmp_path: Path) -> None:
    source = os.fsdecode(b"caf\xe9\n.png")
    page = tumorlens.write_report(_answered(model, _named(source)), tmp_path, card=model.card)
    assert r"caf\udce9\n.png" in page.read_text(encoding="utf-8")
    assert os.fsencode(source) in (tmp_path / "answers.csv").read_bytes()
    assert json.loads((tmp_path / "answers.json").read_text())[0]["source"] == source


def test_report_of_nothing(model: Model, tmp_path: Path) -> None:
    page = tumorlens.write_report([], tmp_path, card=model.card)
    assert "0 inputs" in page.read_text(encoding="utf-8")
    assert json.loads((tmp_path / "answers.json").read_text()) == []


def test_report_without_heatmaps(model: Model, scan: Scan, tmp_path: Path) -> None:
    results = _answered(model, scan)
    page = tumorlens.write_report(results, tmp_path, card=model.card, explained=False)
    assert "<img" not in page.read_text(encoding="utf-8")
    assert not (tmp_path / "overlays").exists()


def test_chosen_class_is_named(model: Model, scan: Scan, tmp_path: Path) -> None:
    page = tumorlens.write_report(
        _answered(model, scan), tmp_path, card=model.card, target="pituitary"
    )
    assert "evidence for pituitary" in page.read_text(encoding="utf-8")


def test_same_stems_never_share_an_overlay(model: Model, tmp_path: Path) -> None:
    sources = ["a/x.png", "b/x.png", "b/X.jpg", "x-2.png", "c/x.nii.gz"]
    tumorlens.write_report(_answered(model, *map(_named, sources)), tmp_path, card=model.card)
    records = json.loads((tmp_path / "answers.json").read_text())
    files = [file.lower() for record in records for file in record["overlays"]]
    assert len(set(files)) == len(sources)
    assert len(list((tmp_path / "overlays").iterdir())) == len(sources)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("scan.nii.gz", "scan"),
        ("../../etc/passwd", "passwd"),
        ("..", "scan"),
        ("", "scan"),
        ("CON.png", "scan-CON"),
        ("con.tar.png", "scan-con.tar"),
        ("Müller, Ü [1].dcm", "Muller_U_1"),
        ("folder#series-2", "folder_series-2"),
        ("1.2.840.113", "1.2.840.113"),
        ("脳.png", "scan"),
    ],
)
def test_file_names_are_safe(source: str, name: str) -> None:
    assert FileNames().name(source) == name


def test_file_names_are_short_and_unique() -> None:
    names = FileNames()
    given = [names.name("x" * 300 + ".png") for _ in range(1000)]
    assert len(set(given)) == 1000
    assert max(map(len, given)) < 100
    assert re.fullmatch(r"[x]+-1000", given[-1])


def test_earlier_report_is_replaced_with_its_overlays(model: Model, tmp_path: Path) -> None:
    tumorlens.write_report(_answered(model, _named("old.png")), tmp_path, card=model.card)
    (tmp_path / "overlays" / "mine.png").write_bytes(b"kept")
    (tmp_path / "notes.txt").write_text("kept")
    tumorlens.write_report(_answered(model, _named("new.png")), tmp_path, card=model.card)
    assert {path.name for path in (tmp_path / "overlays").iterdir()} == {"mine.png", "new.png"}
    assert (tmp_path / "notes.txt").read_text() == "kept"


@pytest.mark.parametrize("name", ["index.html", "answers.json", "answers.csv", "overlays"])
def test_files_of_others_are_never_overwritten(model: Model, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(ConfigError, match=name):
        tumorlens.write_report([], tmp_path, card=model.card)
    assert (tmp_path / name).read_text() == "mine"


def test_file_in_place_of_the_folder_is_refused(model: Model, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(ConfigError):
        tumorlens.write_report([], tmp_path / "taken", card=model.card)


def test_failed_report_leaves_the_earlier_one(model: Model, tmp_path: Path) -> None:
    tumorlens.write_report(_answered(model, _named("old.png")), tmp_path, card=model.card)
    before = {name: (tmp_path / name).read_bytes() for name in ("index.html", "answers.json")}

    def failing() -> Any:
        yield from _answered(model, _named("new.png"))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tumorlens.write_report(failing(), tmp_path, card=model.card)
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    assert not list(tmp_path.rglob("*.partial"))


def test_full_disk_is_told(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path, _data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(report_folder.Path, "write_bytes", full)
    with pytest.raises(ConfigError, match="No space left"):
        tumorlens.write_report(_answered(model, _named("a.png")), tmp_path, card=model.card)


@pytest.mark.parametrize("room", [0, 100, 1000, 5000])
def test_disk_that_fills_up_leaves_the_earlier_report(
    model: Model, tmp_path: Path, room: int
) -> None:
    """A limit on the size of files stands for the full disk; what fails depends on the room."""
    resource = pytest.importorskip("resource")
    tumorlens.write_report(_answered(model, _named("old.png")), tmp_path, card=model.card)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    results = _answered(model, *(_named(f"{number}.png") for number in range(3)))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
    try:
        with pytest.raises(ConfigError, match="room on its disk; found File too large"):
            tumorlens.write_report(results, tmp_path, card=model.card)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_errors_of_the_results_are_not_taken_for_the_folders(model: Model, tmp_path: Path) -> None:
    def broken() -> Any:
        raise BrokenPipeError
        yield

    with pytest.raises(BrokenPipeError):
        tumorlens.write_report(broken(), tmp_path, card=model.card)


def test_card_of_another_model_is_refused(model: Model, scan: Scan, tmp_path: Path) -> None:
    other = replace(model.card, name="other", sha256="00" * 32)
    with pytest.raises(ConfigError, match=r"model\.card"):
        tumorlens.write_report(_answered(model, scan), tmp_path, card=other)


def test_late_inputs_get_small_pictures(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = _answered(model, Scan(head(300, 300), "large.png"))
    large = tumorlens.write_report(results, tmp_path / "a", card=model.card).stat().st_size
    monkeypatch.setattr(report_page, "LARGE_PICTURES", 0)
    small = tumorlens.write_report(results, tmp_path / "b", card=model.card).stat().st_size
    assert small < large - 5000


@pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not there")
def test_real_scans_are_reported_at_their_own_size(model: Model, tmp_path: Path) -> None:
    paths = [DATA / "cheng/images/10.jpg", DATA / "volumes/MNI152_T1_2mm.nii.gz"]
    scans = [tumorlens.read_scan(path) for path in paths]
    tumorlens.write_report(_answered(model, *scans), tmp_path, card=model.card)
    records = json.loads((tmp_path / "answers.json").read_text())
    assert [len(record["overlays"]) for record in records] == [1, 3]
    for scan, record in zip(scans, records, strict=True):
        shape = scan.pixels.shape if isinstance(scan, Scan) else scan.voxels.shape[1:]
        with Image.open(tmp_path / record["overlays"][0]) as picture:
            assert picture.height > shape[0]
            assert picture.width > 3 * shape[1]


def test_a_slices_outline_is_told_on_the_page(outlining: Model, tmp_path: Path) -> None:
    scan = Scan(head(96, 80, blob=120.0), "tumor.png", (0.5, 2.0))
    answer = predict(scan, model=outlining)
    results = [(scan, replace(answer, tumor_probability=tumor)) for tumor in (0.9, 0.1)]
    tumorlens.write_report(results, tmp_path, card=outlining.card)
    found = json.loads((tmp_path / "answers.json").read_text())[0]["outline"]
    page = _Page(tmp_path / "index.html").text
    told = f"Outline: {found['area_percent']:.1f} % of the head, {found['area_mm2']:.0f} mm²"
    assert page.count(told) == page.count("Outline: ") == page.count("both, with the outline") == 1
    assert f"{found['height']} {found['side']} of the picture" in page
    assert "turquoise line" in page


def test_a_volumes_outline_is_told_once_found(
    outlining: Model, companion: Path, tmp_path: Path, asked: list[Volume]
) -> None:
    volume, _ = made_flair()
    answer = predict(volume, model=replace(outlining, companion=companion))
    results = [(volume, replace(answer, tumor_probability=0.9))]
    tumorlens.write_report(results, tmp_path, card=outlining.card)
    (record,) = json.loads((tmp_path / "answers.json").read_text())
    assert record["outline"]["outlined_by"]["name"] == "tiny flair"
    assert record["outline"]["volume_ml"] > 0
    page = _Page(tmp_path / "index.html").text
    assert f"Outline: {record['outline']['volume_ml']:.1f} ml, largest in slice" in page
    assert "by tiny flair 0.0.1." in page
    assert "slices are counted from 0: axial ones from the feet up" in page
    assert "left in axial and coronal slices is the patient's right" in page
    assert " of the picture, by tiny flair" in page
    assert len(record["overlays"]) == 3
    assert len(asked) == 1
