"""A few patients of a source: chosen, trained on, told."""

import csv
import json
from importlib import import_module
from pathlib import Path

import pytest

from tumorlens.lab.splitting import read_split


def _split(path: Path) -> Path:
    rows = [
        {
            "picture": f"{source}/p{number}_{place}.tif",
            "label": "glioma",
            "group": f"p{number}",
            "part": "validation" if number > 7 else "training",
        }
        for source in ("lgg", "cheng")
        for number in range(10)
        for place in range(2)
    ]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_some_patients_train_and_the_same_ones_validate(tmp_path: Path) -> None:
    few_scans = import_module("few_scans")
    split = _split(tmp_path / "all.csv")
    for count in (1, 3, 8):
        few_scans.few_patients(split, "lgg", count, tmp_path / "few.csv")
        rows = read_split(tmp_path / "few.csv")
        assert {row["picture"].split("/")[0] for row in rows} == {"lgg"}
        assert len({row["group"] for row in rows if row["part"] == "training"}) == count
        assert {row["group"] for row in rows if row["part"] == "validation"} == {"p8", "p9"}
    with pytest.raises(SystemExit, match="8 training patients"):
        few_scans.few_patients(split, "lgg", 9, tmp_path / "few.csv")


def test_the_table_tells_each_training(tmp_path: Path) -> None:
    few_scans = import_module("few_scans")
    scores = {name: [0.5, [0.4, 0.6]] for name in few_scans.SCORES}
    evaluation = tmp_path / "evaluation.json"
    told = {name: value for name, (value, _) in scores.items()}
    intervals = {name: ends for name, (_, ends) in scores.items()}
    evaluation.write_text(
        json.dumps({"scores": {"binary": told, "intervals": {"binary": intervals}}})
    )
    assert few_scans.scores(evaluation) == scores
    rows = [{"patients": 0, "start": "model", "scores": scores}]
    rows += [{"patients": 5, "start": start, "scores": scores} for start in few_scans.STARTS]
    text = few_scans.table({"source": "lgg", "rows": rows})
    assert [line.split(" |")[0] for line in text.splitlines()[2:]] == [
        "| none",
        "| 5, from the model",
        "| 5, from ImageNet",
    ]
    assert text.count("0.500 (0.400 to 0.600)") == 9
