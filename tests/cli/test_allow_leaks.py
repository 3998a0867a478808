import csv
import json
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tumorlens.card import read_card
from tumorlens.cli import app
from tumorlens.lab.datasets import load_examples
from tumorlens.lab.evaluation.model_card import render_model_card
from tumorlens.lab.leaks import REPAIRED
from tumorlens.lab.splitting import LEAKY

SMALL = """
name = "made"
[preparation]
size = 32
[training]
epochs = 1
batch_size = 8
"""


@pytest.fixture
def arguments(class_folders: Path, tmp_path: Path) -> list[str]:
    """Training on a split whose training part holds a copy of a validation picture."""
    root = Path(shutil.copytree(class_folders, tmp_path / "made"))
    folder = root / "Training" / "glioma_tumor"
    shutil.copy(folder / "0.png", folder / "copy.png")
    rows = [
        (e.picture, e.label, e.picture, "validation" if e.path.stem in "0369" else "training")
        for e in load_examples(root)
    ]
    with (tmp_path / "official.csv").open("w", newline="") as lines:
        csv.writer(lines).writerows([("picture", "label", "group", "part"), *rows])
    (tmp_path / "made.toml").write_text(SMALL)
    return [
        *("train", str(tmp_path / "made.toml"), "--data", str(root)),
        *("--run", str(tmp_path / "run"), "--set"),
        f"data.split={json.dumps((tmp_path / 'official.csv').as_posix())}",
    ]


def test_a_leak_is_refused_and_the_repaired_split_trains(
    arguments: list[str], tmp_path: Path
) -> None:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 1
    assert "made/Training/glioma_tumor/0.png with made/Training/glioma_tumor/copy.png" in (
        done.stderr
    )
    repaired = tmp_path / "run" / REPAIRED
    assert f'data.split="{repaired.as_posix()}"' in done.stderr
    again = [*arguments[:-1], f"data.split={json.dumps(repaired.as_posix())}"]
    done = CliRunner().invoke(app, again)
    assert done.exit_code == 0, done.output
    assert LEAKY not in done.stdout
    assert "split" not in read_card(tmp_path / "run" / "model").scores
    assert json.loads((tmp_path / "run" / "evaluation.json").read_text())["split"] is None


def test_an_allowed_leak_is_named_beside_the_numbers(arguments: list[str], tmp_path: Path) -> None:
    done = CliRunner().invoke(app, [*arguments, "--allow-leaks"])
    assert done.exit_code == 0, done.output
    assert done.stdout.count(f"({LEAKY})") == 2
    run = tmp_path / "run"
    card = read_card(run / "model")
    assert card.scores["split"] == LEAKY
    record = json.loads((run / "evaluation.json").read_text())
    assert record["split"] == LEAKY
    text = render_model_card(card.to_json(), record)
    assert all(LEAKY in line for line in text.splitlines() if line.startswith("Accuracy "))
    assert "No group stands in both parts" not in text
    assert "| Level of disjointness | no |" in text

    out = tmp_path / "out"
    words = ["evaluate", str(tmp_path / "made"), "--model", str(run / "model"), "--output"]
    again = CliRunner().invoke(app, [*words, str(out)], env={"COLUMNS": "200"})
    assert again.exit_code == 0, again.output
    titles = ("One class against the rest", "Confusion: rows the truth, columns the answer")
    assert all(f"{title} ({LEAKY})" in again.stdout for title in titles)
    assert json.loads((out / "evaluation.json").read_text())["split"] == LEAKY
    page = (out / "report.html").read_text()
    headings = re.findall(r"<h3>(.*?)</h3>", page)
    assert headings
    assert all(LEAKY in heading for heading in headings)
    facts = re.findall(r"<dt>(Accuracy|Macro recall)</dt><dd>(.*?)</dd>", page)
    assert len(facts) == 2
    assert all(LEAKY in fact for _, fact in facts)


def test_a_split_that_leaks_marks_a_model_that_does_not_know(
    arguments: list[str], model_folder: Path, tmp_path: Path
) -> None:
    split = tmp_path / "leaky.csv"
    with (tmp_path / "official.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    tied = [row | {"group": "one"} if "glioma" in row["picture"] else row for row in rows]
    with split.open("w", newline="") as lines:
        csv.writer(lines).writerows([rows[0], *(row.values() for row in tied)])
    words = ["evaluate", str(tmp_path / "made"), "--model", str(model_folder), "--json", "--split"]
    for path, expected in ((split, LEAKY), (tmp_path / "official.csv", None)):
        done = CliRunner().invoke(app, [*words, str(path)])
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["split"] == expected
