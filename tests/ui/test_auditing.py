import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.lab.audit.made_pictures import draw
from tumorlens.errors import ConfigError, DataError, MissingExtraError
from tumorlens.ui.auditing import STAGES, audit_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four pictures of two classes; one is there twice, under both."""
    for label, seeds in {"glioma": (1, 2), "no_tumor": (1, 3)}.items():
        (tmp_path / label).mkdir()
        for seed in seeds:
            draw(seed).save(tmp_path / label / f"{seed}.png")
    (tmp_path / "glioma" / "bad.png").write_text("no picture")
    return tmp_path


def test_an_audit_is_shown_in_tables(folder: Path) -> None:
    told: list[tuple[str, int, int]] = []
    found = audit_folder(folder, max_pictures=99, progress=lambda *where: told.append(where))
    assert found.pictures == 5
    assert found.groups == 4
    (twins,) = found.tables["The same picture twice"]
    assert (twins["pairs"], twins["identical files"]) == (1, 1)
    assert "different labels" in str(twins["meaning"])
    assert "unreadable" in {row["fault"] for row in found.tables["Faults of single pictures"]}
    assert sum(int(row["pictures"]) for row in found.tables["Classes"]) == 5
    assert found.page.lstrip().lower().startswith("<!doctype html>")
    assert len(found.groups_csv.splitlines()) == 6
    assert {stage for stage, *_ in told} <= set(STAGES.values())
    assert ("reading pictures", 5, 5) in told


def test_too_many_pictures_are_refused_before_they_are_read(folder: Path) -> None:
    with pytest.raises(ConfigError, match="tumorlens audit"):
        audit_folder(folder, max_pictures=4, progress=lambda *_: pytest.fail("was read"))


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        audit_folder(tmp_path, max_pictures=4, progress=lambda *_: None)


def test_without_the_lab_the_way_to_install_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("L", (64, 64)).save(tmp_path / "a.png")
    for name in [name for name in sys.modules if name.startswith("tumorlens.lab.audit")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingExtraError) as caught:
        audit_folder(tmp_path, max_pictures=4, progress=lambda *_: None)
    assert "tumorlens[lab]" in caught.value.remedy
