from pathlib import Path

import pytest

from tests.ui.made import png
from tumorlens.errors import DataError
from tumorlens.ui.run_folder import ACCURACY, LOSS, read_run

DEFAULT = Path(__file__).parents[2] / "runs" / "default"


def test_the_published_run_is_read() -> None:
    run = read_run(DEFAULT)
    best = run.best()
    assert len(run.epochs) >= 2
    assert set(LOSS) | set(ACCURACY) <= set(run.epochs[0])
    assert best is not None
    assert best["validation_loss"] == min(row["validation_loss"] for row in run.epochs)
    assert "curves.png" in run.pictures


def test_lines_that_are_no_numbers_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text("epoch,validation_loss,note\n1,nan,a\n2,0.5,b\nx,1,c\n")
    (tmp_path / "good.png").write_bytes(png())
    (tmp_path / "bad.png").write_bytes(png()[:300])
    (tmp_path / "text.png").write_text("no picture")
    run = read_run(tmp_path)
    assert run.epochs == ({"epoch": 1.0}, {"epoch": 2.0, "validation_loss": 0.5})
    assert run.best() == run.epochs[1]
    assert list(run.pictures) == ["good.png"]


@pytest.mark.parametrize("text", [None, b"", b"epoch,loss\n", b"\xff\xfe\x00", b"loss\n1\n"])
def test_what_is_no_run_is_refused(tmp_path: Path, text: bytes | None) -> None:
    if text is not None:
        (tmp_path / "history.csv").write_bytes(text)
    with pytest.raises(DataError, match=r"history\.csv"):
        read_run(tmp_path)
