from pathlib import Path

import pytest

from tumorlens.errors import ConfigError
from tumorlens.ui.folders import open_folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "open" / "runs").mkdir(parents=True)
    (tmp_path / "closed").mkdir()
    (tmp_path / "open" / "way out").symlink_to(tmp_path / "closed")
    (tmp_path / "open" / "file").write_text("")
    return tmp_path / "open"


def test_folders_below_the_root_are_opened(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_folder("runs", root=root) == root / "runs"
    assert open_folder(f" {root}/runs ", root=root) == root / "runs"
    monkeypatch.chdir(root / "runs")
    assert open_folder("..", root=root) == root


@pytest.mark.parametrize(
    "text",
    [
        "..",
        "../closed",
        "/",
        "way out",
        "file",
        "absent",
        "~",
        "~nobody-here/x",
        "a\0b",
        "x" * 9999,
    ],
)
def test_nothing_else_is_and_nobody_learns_whether_it_exists(root: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_folder(text, root=root)
    assert caught.value.found == "none of this name there"


def test_a_public_app_opens_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="anybody may visit"):
        open_folder(str(tmp_path), root=None)
