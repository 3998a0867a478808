import csv
import shutil
from pathlib import Path

from tumorlens.lab.datasets import load_examples
from tumorlens.lab.evaluation.parts import read_parts


def test_a_csv_is_found_by_its_own_split(class_folders: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "tab"
    folder.mkdir(parents=True)
    rows = ["path,label"]
    for number, path in enumerate(sorted(class_folders.rglob("*.png"))):
        shutil.copy(path, folder / f"{number}.png")
        rows.append(f"{number}.png,{path.parent.name}")
    table = folder / "table.csv"
    table.write_text("\n".join(rows) + "\n")
    lines = [
        (e.picture, e.label, e.group, "training" if number % 2 else "validation")
        for number, e in enumerate(load_examples(table))
    ]
    split = tmp_path / "split.csv"
    with split.open("w", newline="") as file:
        csv.writer(file).writerows([("picture", "label", "group", "part"), *lines])
    found = [
        read_parts(data, split=split, part="validation") for data in (table, folder, folder.parent)
    ]
    assert len(found[0].evaluated) == len(found[0].training) == 24
    assert all(one.evaluated == found[0].evaluated for one in found)
