import csv
import json
from pathlib import Path

import pytest
from PIL import Image

import tumorlens
from tumorlens.errors import ConfigError
from tumorlens.lab.audit import Audit, audit, write_audit
from tumorlens.lab.audit.alignment import Agreement
from tumorlens.lab.audit.clusters import cluster
from tumorlens.lab.audit.inspection import Inspected
from tumorlens.lab.audit.result import OTHER_DATASET, OTHER_HALF, OTHER_LABEL, WITHIN
from tumorlens.lab.audit.twins import Twins

from .made_pictures import ALTERATIONS, draw, entry

DATA = Path(__file__).parents[4] / "shared" / "data"
needs_sets = pytest.mark.skipif(
    not (DATA / "cheng").is_dir() or not (DATA / "sartaj").is_dir(),
    reason="the real scans of ../shared/data are absent",
)


def put(path: Path, picture: Image.Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    """A set with a leak between its halves and a wrong label, and a set made of it."""
    place = tmp_path_factory.mktemp("sets")
    for seed in range(4):
        put(place / "old" / "Training" / "glioma" / f"{seed}.png", draw(seed))
        put(place / "old" / "Training" / "no_tumor" / f"{seed}.png", draw(10 + seed))
        put(place / "old" / "Testing" / "no_tumor" / f"{seed}.png", draw(20 + seed))
    put(place / "old" / "Testing" / "glioma" / "leak.png", ALTERATIONS["cropped"](draw(0)))
    put(place / "old" / "Training" / "no_tumor" / "wrong.png", ALTERATIONS["mirrored"](draw(1)))
    put(place / "old" / "Training" / "glioma" / "twice.png", ALTERATIONS["brighter"](draw(2)))
    put(place / "new" / "carried.png", ALTERATIONS["all"](draw(3)))
    put(place / "new" / "fresh.png", draw(30))
    return audit([place / "old", place / "new"])


def test_each_relation_is_told(found: Audit) -> None:
    pairs = {
        (found.files[p.first].entry.path.name, found.files[p.second].entry.path.name): p
        for p in found.twins
    }
    assert {tuple(sorted(names)): found.relation(pair) for names, pair in pairs.items()} == {
        ("0.png", "leak.png"): OTHER_HALF,
        ("1.png", "wrong.png"): OTHER_LABEL,
        ("2.png", "twice.png"): WITHIN,
        ("3.png", "carried.png"): OTHER_DATASET,
    }


def test_what_is_carried_between_sets_is_counted(found: Audit) -> None:
    carried = {(one.first, one.second): one for one in found.carried()}
    assert set(carried) == {("old/testing", "old/training"), ("new", "old/training")}
    leak = carried["old/testing", "old/training"]
    assert (leak.groups, leak.pictures, leak.totals) == (1, (1, 1), (5, 10))


def test_the_json_says_the_same(found: Audit) -> None:
    record = found.to_json()
    assert record["pictures"] == 17
    assert record["groups"] == 13
    assert record["balance"]["old/testing"] == {"glioma": 1, "no_tumor": 4}
    assert record["balance"]["new"] == {"unknown": 2}
    assert record["clusters"]["count"] == 4
    ((one, other),) = record["clusters"]["two_labels"]
    assert {one["label"], other["label"]} == {"glioma", "no_tumor"}
    assert record["relations"][OTHER_LABEL] == 1
    assert len(record["twins"]) == 4
    assert record["faults"]["unreadable"] == []


def test_the_folder_holds_groups_record_and_page(found: Audit, tmp_path: Path) -> None:
    page = write_audit(found, tmp_path / "audit")
    names = {path.name for path in (tmp_path / "audit").iterdir()}
    assert names == {"groups.csv", "audit.json", "index.html"}
    with (tmp_path / "audit" / "groups.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert list(rows[0]) == ["path", "group", "patient"]
    assert len(rows) == 17
    group = {Path(row["path"]).name: row["group"] for row in rows if "glioma" in row["path"]}
    assert group["leak.png"] == group["0.png"]
    assert json.loads((tmp_path / "audit" / "audit.json").read_text()) == found.to_json()
    text = page.read_text()
    assert text.count("data:image/jpeg;base64,") >= 8
    assert "leak.png" in text
    assert "http" not in text.replace("http-equiv", "")
    write_audit(found, tmp_path / "audit")  # an earlier audit is replaced


def test_files_of_another_origin_are_left_alone(found: Audit, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("my page")
    with pytest.raises(ConfigError, match=r"index\.html of another origin"):
        write_audit(found, tmp_path)
    assert (tmp_path / "index.html").read_text() == "my page"
    assert not (tmp_path / "groups.csv").exists()


def test_the_page_of_another_verb_is_left_alone(found: Audit, tmp_path: Path) -> None:
    page = tumorlens.write_report([], tmp_path).read_text()
    with pytest.raises(ConfigError, match=r"index\.html of another origin"):
        write_audit(found, tmp_path)
    assert (tmp_path / "index.html").read_text() == page
    page = write_audit(found, tmp_path / "audit").read_text()
    with pytest.raises(ConfigError, match=r"index\.html without answers\.json"):
        tumorlens.write_report([], tmp_path / "audit")
    assert (tmp_path / "audit" / "index.html").read_text() == page


def test_nothing_half_written_is_left(
    found: Audit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_: Audit) -> list[str]:
        raise KeyboardInterrupt

    monkeypatch.setattr("tumorlens.lab.audit.writing.render_page", killed)
    with pytest.raises(KeyboardInterrupt):
        write_audit(found, tmp_path / "audit")
    assert {path.name for path in (tmp_path / "audit").iterdir()} == {"groups.csv", "audit.json"}
    monkeypatch.undo()
    write_audit(found, tmp_path / "audit")  # known again as ours


def test_names_cannot_disturb_the_page(tmp_path: Path) -> None:
    put(tmp_path / "set" / "<script>a.png", draw(0))
    put(tmp_path / "set" / "b.png", ALTERATIONS["encoded"](draw(0)))
    page = write_audit(audit([tmp_path / "set"]), tmp_path / "audit").read_text()
    assert "<script>" not in page
    assert "&lt;script&gt;a.png" in page


@needs_sets
def test_real_copies_find_their_patient(tmp_path: Path) -> None:
    """Altered slices of Cheng's set, beside some of his patients."""
    with (DATA / "cheng" / "patients.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))[::40]
    table = ["path,label,patient"]
    for number, row in enumerate(rows):
        path = DATA / "cheng" / "images" / f"{row['index']}.jpg"
        table.append(f"{path},{row['label']},{row['patient']}")
        with Image.open(path) as picture:
            alter = list(ALTERATIONS.values())[number % len(ALTERATIONS)]
            side = picture.convert("L").resize((160, 160))
            put(tmp_path / "copies" / f"{row['index']}.png", alter(side))
    (tmp_path / "known").mkdir()
    (tmp_path / "known" / "table.csv").write_text("\n".join(table))
    result = audit([tmp_path / "known", tmp_path / "copies"])
    tied = {
        entry.path.stem: patients
        for entry, patients in zip(result.entries, result.clusters.patients, strict=True)
        if entry.dataset == "copies"
    }
    hits = [tied[row["index"]] == (f"known:{row['patient']}",) for row in rows]
    assert sum(hits) >= len(hits) - 1


@pytest.mark.parametrize(
    ("labels", "conflict"),
    [
        (("tumor", "glioma"), False),
        (("tumor", "no_tumor"), True),
        (("glioma", "meningioma"), True),
        (("glioma", None), False),
    ],
)
def test_labels_that_contradict(labels: tuple[str, str | None], conflict: bool) -> None:
    files = tuple(
        Inspected(entry(Path(f"{n}.png"), label=label), "", None, (), "", None)
        for n, label in enumerate(labels)
    )
    pair = Twins(0, 1, True, Agreement(1.0, 1.0, 0, mirrored=False, turned=0))
    result = Audit(files, (pair,), cluster([one.entry for one in files], [pair]))
    assert (result.relation(pair) == OTHER_LABEL) == conflict
    assert len(result.clusters_of(labels=True)) == conflict
