import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tumorlens.cli import app


def test_a_folder_becomes_an_audit(class_folders: Path, tmp_path: Path) -> None:
    root = shutil.copytree(class_folders, tmp_path / "made")
    glioma = root / "Training" / "glioma_tumor"
    (root / "Testing" / "glioma_tumor").mkdir(parents=True)
    (root / "Testing" / "no_tumor").mkdir()
    shutil.copy(glioma / "3.png", root / "Testing" / "glioma_tumor" / "copy.png")
    shutil.copy(glioma / "4.png", root / "Testing" / "no_tumor" / "wrong.png")
    (glioma / "broken.png").write_bytes(b"no picture")
    (glioma / "deeper").mkdir()
    shutil.copy(glioma / "3.png", glioma / "deeper" / "3.png")
    done = CliRunner().invoke(app, ["audit", str(root), "--output", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    for said in ("unreadable", "other half", "other label", "made/testing", "index.html"):
        assert said in done.stdout
    assert "another label" in done.stdout
    assert f"in no class of a data set: 1 ({glioma / 'deeper' / '3.png'})" in done.stderr
    record = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert record["pictures"] == 51
    assert len(record["passed_over"]) == 1
    assert record["relations"]["other label"] == 1
    assert (tmp_path / "out" / "groups.csv").read_text().startswith("path,group,patient\n")
    assert f"--set 'data.groups=\"{(tmp_path / 'out' / 'groups.csv').as_posix()}\"'" in done.stdout


def test_json_is_what_stands_in_the_folder(class_folders: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["audit", str(class_folders), "--output", str(tmp_path), "--json"]
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == json.loads((tmp_path / "audit.json").read_text())


@pytest.mark.parametrize(("name", "said"), [("empty", "no picture in it"), ("absent", "no such")])
def test_nothing_to_audit_is_told_plainly(name: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    output = tmp_path / "out"
    done = CliRunner().invoke(app, ["audit", str(tmp_path / name), "--output", str(output)])
    assert done.exit_code == 1
    assert said in done.stderr
    assert list(output.iterdir()) == []


def test_a_folder_of_another_origin_is_refused_before_any_work(
    class_folders: Path, tmp_path: Path
) -> None:
    (tmp_path / "groups.csv").write_text("mine")
    done = CliRunner().invoke(app, ["audit", str(class_folders), "--output", str(tmp_path)])
    assert done.exit_code == 2
    assert "another origin" in done.stderr
    assert (tmp_path / "groups.csv").read_text() == "mine"
