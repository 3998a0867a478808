import shutil
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from torch import nn

from tumorlens.errors import DataError
from tumorlens.lab.checkpoint import BEST, save_checkpoint
from tumorlens.lab.config import Config, parse_config
from tumorlens.lab.datasets import load_examples
from tumorlens.lab.fingerprints import FINGERPRINTS, read_fingerprints, write_fingerprints
from tumorlens.lab.joining_material import read_material
from tumorlens.lab.run_data import load_run_data
from tumorlens.lab.run_record import record_run
from tumorlens.lab.seen import find_seen, own_run, refuse_seen
from tumorlens.lab.splitting import SPLIT_FILE, Split, write_split


def settings(
    fold: int = 0, *, size: int = 32, weights: Path | str = "none", teacher: Path | None = None
) -> Config:
    return parse_config(
        {
            "preparation": {"size": size},
            "data": {"folds": 3, "validation_fold": fold},
            "network": {"weights": str(weights)},
            "training": {"teachers": [str(teacher)] if teacher else []},
        }
    )


def begin_run(run: Path, data: Path, fold: int = 0, *, weights: Path | str = "none") -> Path:
    """What a run on a fold leaves behind, but for its network."""
    config = settings(fold, weights=weights)
    pictures, split = load_run_data(config, data, run)
    run.mkdir(parents=True)
    record_run(run, config, pictures, split)
    write_split(run / SPLIT_FILE, pictures.examples, split)
    write_fingerprints(run / FINGERPRINTS, pictures, split.training)
    save_checkpoint(run / BEST, nn.Linear(1, 1), None, {"epoch": 1})
    return run


@pytest.fixture(scope="module")
def earlier(class_folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return begin_run(tmp_path_factory.mktemp("runs") / "a", class_folders)


@pytest.fixture(scope="module")
def copied(class_folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same pictures in a folder of another name."""
    return Path(shutil.copytree(class_folders, tmp_path_factory.mktemp("copied") / "made2"))


@pytest.mark.parametrize("size", [32, 48])
@pytest.mark.parametrize("how", ["weights", "teachers"])
def test_a_copy_of_the_data_under_another_name_is_known(
    how: str, size: int, earlier: Path, copied: Path, tmp_path: Path
) -> None:
    weights, teacher = (earlier / BEST, None) if how == "weights" else ("none", earlier)
    told: list[str] = []
    for fold, leaks in ((1, True), (0, False)):
        config = settings(fold, size=size, weights=weights, teacher=teacher)
        with pytest.raises(DataError, match="never saw") if leaks else nullcontext():
            load_run_data(config, copied, tmp_path, on_unsure=told.append)
    assert not told


def test_what_an_earlier_run_began_from_is_asked_too(
    earlier: Path, class_folders: Path, copied: Path, tmp_path: Path
) -> None:
    """The middle run trains on other data, from the weights of one that saw these."""
    other = tmp_path / "other"
    for path in class_folders.rglob("*.png"):
        copy = other / path.relative_to(class_folders)
        copy.parent.mkdir(parents=True, exist_ok=True)
        Image.open(path).transpose(Image.Transpose.FLIP_TOP_BOTTOM).save(copy)
    middle = begin_run(tmp_path / "middle", other, weights=earlier / BEST)
    for fold, leaks in ((1, True), (0, False)):
        config = settings(fold, weights=middle / BEST)
        with pytest.raises(DataError, match="never saw") if leaks else nullcontext():
            load_run_data(config, copied, tmp_path)
    lost = begin_run(tmp_path / "lost", other, weights=tmp_path / "gone" / BEST)
    told: list[str] = []
    load_run_data(settings(0, weights=lost / BEST), copied, tmp_path, on_unsure=told.append)
    assert len(told) == 1
    assert f"there is no split.csv in {tmp_path / 'gone'}" in told[0]


def test_a_source_that_the_bundled_model_learnt_from_is_not_left_out(
    class_folders: Path, tmp_path: Path
) -> None:
    for name in ("br35h", "ours"):
        shutil.copytree(class_folders, tmp_path / "data" / name)
    for path in (tmp_path / "data" / "br35h").rglob("*.png"):
        Image.open(path).transpose(Image.Transpose.FLIP_TOP_BOTTOM).save(path)
    config = settings(weights="bundled")
    told: list[str] = []
    load_run_data(config, tmp_path / "data", tmp_path, on_unsure=told.append)
    assert "it learnt from pictures of br35h" in told[0]
    for source, refused in (("br35h", True), ("ours", False)):
        left_out = config.data.model_copy(update={"leave_out": (source,)})
        config = config.model_copy(update={"data": left_out})
        with pytest.raises(DataError, match="card names it") if refused else nullcontext():
            load_run_data(config, tmp_path / "data", tmp_path)


def test_what_cannot_be_compared_is_told_in_one_line(
    earlier: Path, copied: Path, tmp_path: Path
) -> None:
    older = Path(shutil.copytree(earlier, tmp_path / "older"))
    (older / FINGERPRINTS).unlink()
    alone = tmp_path / "alone" / "best.safetensors"
    alone.parent.mkdir()
    shutil.copy(earlier / BEST, alone)
    for weights, why in ((older / BEST, "does not name them"), (alone, "there is no split.csv")):
        told: list[str] = []
        load_run_data(settings(1, weights=weights), copied, tmp_path, on_unsure=told.append)
        assert len(told) == 1
        assert "cannot tell whether" in told[0]
        assert why in told[0]
        assert "\n" not in told[0]


def test_members_of_copied_data_are_refused(
    earlier: Path, class_folders: Path, copied: Path, tmp_path: Path
) -> None:
    member = begin_run(tmp_path / "b", copied, fold=1)
    with pytest.raises(DataError, match="in the training part of"):
        read_material([earlier, member], class_folders)


def test_members_that_trained_on_the_group_of_a_validation_picture_are_refused(
    class_folders: Path, tmp_path: Path
) -> None:
    """Of one patient the first run holds out a picture, the other trains on another one."""
    examples = load_examples(class_folders)
    examples[:2] = [replace(one, group="made:7", patient="7") for one in examples[:2]]
    for name, split in (("a", Split((2, 3), (0, 14))), ("b", Split((1, 3), (14, 15)))):
        (tmp_path / name).mkdir()
        write_split(tmp_path / name / SPLIT_FILE, examples, split)
    with pytest.raises(DataError, match=r"1 of them, or of their groups.*glioma_tumor/0\.png"):
        read_material([tmp_path / "a", tmp_path / "b"], class_folders)


def test_the_run_that_a_model_lies_in_is_asked_unless_the_split_is_its_own(
    earlier: Path, tmp_path: Path
) -> None:
    model = earlier / "model"
    assert own_run(None, None) is None
    assert own_run(model, earlier / SPLIT_FILE) is None
    assert own_run(model, earlier / "model" / ".." / SPLIT_FILE) is None
    assert own_run(model, None) == earlier
    assert own_run(model, tmp_path / SPLIT_FILE) == earlier
    assert own_run(tmp_path / "model", None) is None
    (tmp_path / SPLIT_FILE).write_text("case,patient,part\n")
    assert own_run(tmp_path / "model", None) is None


def test_a_model_is_not_measured_on_what_it_learnt_from(
    earlier: Path, class_folders: Path, tmp_path: Path
) -> None:
    pictures, split = load_run_data(settings(), class_folders, tmp_path)
    held = [pictures.examples[index] for index in split.validation]
    taught = [pictures.examples[index] for index in split.training]
    refuse_seen(earlier, held, len(held))
    refuse_seen(earlier, [*held, *taught], len(held))
    with pytest.raises(DataError, match=f"1 of {len(held) + 1} in its own training part"):
        refuse_seen(earlier, [*held, taught[0]], len(held) + 1)
    assert find_seen(earlier, taught, range(len(taught))).pictures == tuple(range(len(taught)))


def test_damaged_fingerprints_are_none(tmp_path: Path) -> None:
    path = tmp_path / FINGERPRINTS
    assert read_fingerprints(path) is None
    for text in (b"", b"picture,label\n", b"\xff"):
        path.write_bytes(text)
        assert read_fingerprints(path) is None
