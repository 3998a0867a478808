import csv
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from PIL import Image

from tumorlens.errors import ConfigError
from tumorlens.lab import history
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


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("name", ["history.csv", "curves.png"])
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, name: str) -> None:
    records = [EpochRecord(n, 1e-3, 1 / n, 0.5, 2 / n, 0.4, 0.4, 9.0) for n in (1, 2)]
    write_history(tmp_path, records[:1])
    before = (tmp_path / name).read_bytes()
    (tmp_path / f"{name}.partial").symlink_to("/dev/full")
    with pytest.raises(ConfigError, match="No space left"):
        write_history(tmp_path, records)
    assert (tmp_path / name).read_bytes() == before


def test_epochs_are_whole_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(history, "save_figure", lambda figure, _: drawn.append(figure))
    for count in (1, 2, 3):
        records = [EpochRecord(n + 1, 1e-3, 1.0, 0.5, 2.0, 0.4, 0.4, 9.0) for n in range(count)]
        write_history(tmp_path, records)
        for axis in drawn[-1].axes:
            assert all(float(tick).is_integer() for tick in axis.get_xticks())
