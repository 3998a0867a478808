import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from tumorlens.errors import ConfigError, DataError
from tumorlens.lab.config import Config, DataConfig, PreparationConfig, parse_config
from tumorlens.lab.leaks import REPAIRED
from tumorlens.lab.run_data import load_run_data
from tumorlens.lab.splitting import Split, write_split

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


def test_a_class_without_training_pictures_is_refused(class_folders: Path, tmp_path: Path) -> None:
    ours = shutil.copytree(class_folders, tmp_path / "data" / "ours")
    theirs = shutil.copytree(class_folders, tmp_path / "data" / "theirs")
    shutil.rmtree(ours / "Training" / "meningioma_tumor")
    for path in theirs.rglob("*.png"):
        Image.open(path).transpose(Image.Transpose.FLIP_TOP_BOTTOM).save(path)
    settings = {"preparation": {"size": 32}, "data": {"folds": 3, "leave_out": ["theirs"]}}
    with pytest.raises(DataError, match=r"none of meningioma \(12 pictures\)"):
        load_run_data(parse_config(settings), tmp_path / "data", tmp_path)


SMALL = parse_config({"preparation": {"size": 32}, "data": {"folds": 3}})


def test_a_class_in_which_nothing_is_to_be_seen_is_named(
    class_folders: Path, tmp_path: Path
) -> None:
    data = shutil.copytree(class_folders, tmp_path / "made")
    for path in (data / "Training" / "glioma_tumor").iterdir():
        Image.new("L", (40, 40), 7).save(path)
    with pytest.raises(DataError, match=r"contrast in all of glioma \(12 pictures\)"):
        load_run_data(SMALL, data, tmp_path / "run")


def test_the_same_picture_under_two_classes_is_told(class_folders: Path, tmp_path: Path) -> None:
    data = shutil.copytree(class_folders, tmp_path / "made")
    folder = data / "Training"
    told: list[str] = []
    load_run_data(SMALL, data, tmp_path / "run", on_unsure=told.append)
    assert told == []
    shutil.copy(folder / "no_tumor" / "3.png", folder / "glioma_tumor" / "copy.png")
    load_run_data(SMALL, data, tmp_path / "run", on_unsure=told.append)
    assert len(told) == 1
    assert "glioma_tumor/copy.png and made/Training/no_tumor/3.png" in told[0]


def test_names_of_classes_that_are_no_text_are_refused(class_folders: Path, tmp_path: Path) -> None:
    data = shutil.copytree(class_folders, tmp_path / "made")
    folder = data / "Training"
    try:
        (folder / "no_tumor").rename(folder / os.fsdecode(b"caf\xe9"))
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    with pytest.raises(DataError, match=r"UTF-8.*caf"):
        load_run_data(SMALL, data, tmp_path / "run")


def test_a_class_that_nothing_validates_is_told(class_folders: Path, tmp_path: Path) -> None:
    pictures, split = load_run_data(SMALL, class_folders, tmp_path / "run")
    held = [i for i in split.validation if pictures.examples[i].label != "glioma"]
    write_split(tmp_path / "split.csv", pictures.examples, Split(split.training, tuple(held)))
    data = SMALL.data.model_copy(update={"split": str(tmp_path / "split.csv")})
    told: list[str] = []
    load_run_data(
        SMALL.model_copy(update={"data": data}), class_folders, tmp_path, on_unsure=told.append
    )
    assert [line.split(":")[0] for line in told] == ["no validation picture of glioma"]
