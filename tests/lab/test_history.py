import csv
from pathlib import Path

from PIL import Image

from tumorlens.lab.history import EpochRecord, write_history


def test_the_history_reads_back_and_is_drawn(tmp_path: Path) -> None:
    records = [EpochRecord(n, 1e-3, 1 / n, 0.5, 2 / n, 0.4, 0.4, 9.0) for n in (1, 2, 3)]
    write_history(tmp_path, records)
    with (tmp_path / "history.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    devices = [row.pop("device") for row in rows]
    numbers = [{key: float(value) for key, value in row.items()} for row in rows]
    assert [
        EpochRecord(**row, device=name) for row, name in zip(numbers, devices, strict=True)
    ] == (records)
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.width > picture.height > 300
