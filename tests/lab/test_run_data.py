import shutil
from pathlib import Path

import pytest

from tumorlens.errors import ConfigError, DataError
from tumorlens.lab.config import Config, DataConfig, PreparationConfig
from tumorlens.lab.leaks import REPAIRED
from tumorlens.lab.run_data import load_run_data

OFFICIAL = Config(data=DataConfig(split="official"), preparation=PreparationConfig(size=32))


@pytest.fixture
def halves(class_folders: Path, tmp_path: Path) -> Path:
    """Of each class eight pictures in ``Training/`` and four in ``Testing/``."""
    for picture in class_folders.rglob("*.png"):
        half = "Testing" if picture.stem in "0369" else "Training"
        target = tmp_path / "made" / half / picture.parent.name / picture.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, target)
    return tmp_path / "made"


def test_the_data_sets_own_parts_are_taken(halves: Path, tmp_path: Path) -> None:
    pictures, split = load_run_data(OFFICIAL, halves, tmp_path / "run")
    names = [example.picture.split("/")[1] for example in pictures.examples]
    assert [names[index] for index in split.training] == ["Training"] * 32
    assert [names[index] for index in split.validation] == ["Testing"] * 16
    assert not split.leaky


def test_own_parts_that_leak_are_refused_and_repaired(halves: Path, tmp_path: Path) -> None:
    copied = halves / "Training" / "no_tumor" / "copy.png"
    shutil.copy(halves / "Testing" / "no_tumor" / "0.png", copied)
    run = tmp_path / "run"
    with pytest.raises(
        DataError, match=r"made/Testing/no_tumor/0\.png with made/Training/no_tumor"
    ):
        load_run_data(OFFICIAL, halves, run)
    repaired = OFFICIAL.model_copy(update={"data": DataConfig(split=str(run / REPAIRED))})
    assert len(load_run_data(repaired, halves, run)[1].training) == 32
    _, leaky = load_run_data(OFFICIAL, halves, run, allow_leaks=True)
    assert (leaky.leaky, len(leaky.training), len(leaky.validation)) == (True, 33, 16)


def test_leaks_are_allowed_in_a_given_split_only(class_folders: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no leaks to allow"):
        load_run_data(Config(), class_folders, tmp_path / "run", allow_leaks=True)


def test_data_without_parts_of_its_own_is_refused(class_folders: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none in made"):
        load_run_data(OFFICIAL, class_folders, tmp_path / "run")
