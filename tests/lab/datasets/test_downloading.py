"""Downloading, with kagglehub's one function replaced: nothing here reaches the network."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tumorlens.errors import ConfigError, DataError
from tumorlens.lab.datasets import DATASETS
from tumorlens.lab.datasets.kaggle import kaggle_handle

from .made_sets import make_br35h, make_lgg, make_sartaj

kagglehub = pytest.importorskip("kagglehub", reason="kagglehub (extra data) is not installed")
downloading = pytest.importorskip("tumorlens.lab.datasets.downloading")
exceptions = pytest.importorskip("kagglehub.exceptions")
requests = pytest.importorskip("requests")


def answer(monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None]) -> list[str]:
    """Let a download run ``make`` on its folder; the handles that were asked for."""
    asked: list[str] = []

    def dataset_download(handle: str, *, output_dir: str) -> str:
        asked.append(handle)
        (Path(output_dir) / ".complete").mkdir(parents=True)
        make(Path(output_dir))
        return output_dir

    monkeypatch.setattr(kagglehub, "dataset_download", dataset_download)
    return asked


def test_a_whole_download_gets_its_name_and_is_not_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answer(monkeypatch, make_sartaj)
    examples = downloading.download("sartaj", tmp_path / "data" / "sartaj")
    assert asked == [DATASETS["sartaj"].about.kaggle]
    assert len(examples) == 8
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["sartaj"]
    assert not (tmp_path / "data" / "sartaj" / ".complete").exists()
    assert downloading.download("sartaj", tmp_path / "data" / "sartaj") == examples
    assert len(asked) == 1


def test_a_killed_download_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(folder: Path) -> None:
        make_sartaj(folder)
        raise KeyboardInterrupt

    answer(monkeypatch, killed)
    with pytest.raises(KeyboardInterrupt):
        downloading.download("sartaj", tmp_path / "sartaj")
    assert not list(tmp_path.iterdir())


def response(status: int) -> object:
    made = requests.Response()
    made.status_code = status
    return made


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (requests.exceptions.ConnectionError("no route"), "no connection to kaggle.com"),
        (requests.exceptions.Timeout("late"), "no connection to kaggle.com"),
        (exceptions.KaggleApiHTTPError("no", response(403)), "status 403. Make a token"),
        (exceptions.KaggleApiHTTPError("no", response(404)), "status 404. Try again"),
        (exceptions.UnauthenticatedError("who?"), "who.. Make a token"),
        (exceptions.DataCorruptionError("hash"), r"broke off \(hash\)"),
        (OSError(28, "No space left on device"), "No space left on device"),
    ],
)
def test_what_went_wrong_is_told_plainly(
    error: Exception, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Path) -> None:
        raise error

    answer(monkeypatch, fail)
    with pytest.raises(DataError, match=said) as caught:
        downloading.download("br35h", tmp_path / "br35h")
    assert "kaggle.com/datasets/ahmedhamada0" in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_what_lies_there_already_is_never_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answer(monkeypatch, make_sartaj)
    make_lgg(tmp_path / "sartaj")
    with pytest.raises(DataError, match="found the data set lgg"):
        downloading.download("sartaj", tmp_path / "sartaj")
    assert not asked
    answer(monkeypatch, make_br35h)
    with pytest.raises(DataError, match="found the data set br35h"):
        downloading.download("lgg", tmp_path / "lgg")


def test_without_a_network_kagglehub_itself_fails_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path))
    with pytest.raises(DataError, match=r"no connection to kaggle\.com"):
        downloading.download("navoneel", tmp_path / "data" / "navoneel")
    assert not list((tmp_path / "data").iterdir())


def test_only_what_is_on_kaggle_is_got_from_there() -> None:
    assert kaggle_handle("lgg") == "mateuszbuda/lgg-mri-segmentation"
    with pytest.raises(ConfigError, match="Did you mean sartaj"):
        kaggle_handle("sartay")
    for name, entry in DATASETS.items():
        if entry.about.kaggle is None:
            with pytest.raises(DataError, match=entry.about.address or "a layout for your own"):
                kaggle_handle(name)
