import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tumorlens.errors import DataError
from tumorlens.lab.audited_groups import audited_pairs
from tumorlens.lab.config import Config, parse_config
from tumorlens.lab.datasets import Example
from tumorlens.lab.grouping import join_groups
from tumorlens.lab.leaks import find_leaks
from tumorlens.lab.run_data import load_run_data
from tumorlens.lab.splitting import Split


def an_example(path: Path, *, group: str = "", patient: str | None = None) -> Example:
    return Example(path, path.name, "glioma", group or path.name, patient, "made")


def write_groups(path: Path, rows: list[tuple[str, str, str]]) -> Path:
    with path.open("w", newline="") as lines:
        csv.writer(lines).writerows([("path", "group", "patient"), *rows])
    return path


@pytest.fixture
def turned(class_folders: Path, tmp_path: Path) -> Path:
    """A data set with a quarter-turned copy of each picture, and an audit that ties them."""
    root = tmp_path / "made"
    rows: list[tuple[str, str, str]] = []
    for path in sorted(class_folders.rglob("*.png")):
        target = root / path.relative_to(class_folders)
        target.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(path) as picture:
            pixels = np.asarray(picture.convert("L"))
        for name, looks in ((path.stem, pixels), (f"{path.stem}r", np.rot90(pixels, 1, (1, 0)))):
            Image.fromarray(np.ascontiguousarray(looks)).save(target.with_stem(name))
            rows.append((target.with_stem(name).as_posix(), target.as_posix(), ""))
    rows.append(((tmp_path / "elsewhere.png").as_posix(), "another", "x:1"))
    write_groups(tmp_path / "groups.csv", rows)
    return root


def settings(**data: object) -> Config:
    return parse_config({"preparation": {"size": 32}, "data": {"folds": 3, **data}})


def torn(examples: tuple[Example, ...], split: Split) -> int:
    """How many pictures that validate have their own copy among those that train."""
    training = {examples[index].path.with_suffix("").as_posix() for index in split.training}
    held = [examples[index].path.with_suffix("").as_posix() for index in split.validation]
    return sum((name[:-1] if name.endswith("r") else f"{name}r") in training for name in held)


def test_what_an_audit_tied_stays_on_one_side(turned: Path, tmp_path: Path) -> None:
    alone, split = load_run_data(settings(), turned, tmp_path / "run")
    assert torn(alone.examples, split) > 10
    groups = str(tmp_path / "groups.csv")
    told: list[str] = []
    pictures, split = load_run_data(
        settings(groups=groups), turned, tmp_path / "run", on_unsure=told.append
    )
    assert torn(pictures.examples, split) == 0
    assert not find_leaks(pictures.examples, split)
    assert not told
    together: dict[str, set[str]] = {}
    for before, after in zip(alone.examples, pictures.examples, strict=True):
        together.setdefault(before.group, set()).add(after.group)
    assert all(len(names) == 1 for names in together.values())  # what training tied is kept


def test_a_given_split_that_tears_what_an_audit_tied_is_refused(
    turned: Path, tmp_path: Path
) -> None:
    _, split = load_run_data(settings(), turned, tmp_path)
    assert split.validation
    rows = [("picture", "label", "group", "part")]
    for path in sorted(turned.rglob("*.png")):
        part = "validation" if path.stem.endswith("r") else "training"
        name = f"made/{path.relative_to(turned).as_posix()}"
        rows.append((name, path.parent.name, name, part))
    with (tmp_path / "given.csv").open("w", newline="") as lines:
        csv.writer(lines).writerows(rows)
    given = settings(split=str(tmp_path / "given.csv"), groups=str(tmp_path / "groups.csv"))
    with pytest.raises(DataError, match="48 of 48 validation pictures"):
        load_run_data(given, turned, tmp_path / "run")


def test_pictures_that_an_audit_does_not_name_are_told(turned: Path, tmp_path: Path) -> None:
    lines = (tmp_path / "groups.csv").read_text().splitlines(keepends=True)
    (tmp_path / "some.csv").write_text("".join(lines[:11]))
    told: list[str] = []
    config = settings(groups=str(tmp_path / "some.csv"))
    load_run_data(config, turned, tmp_path / "run", on_unsure=told.append)
    assert len(told) == 1
    assert "names 10 of the 96 pictures" in told[0]


def test_groups_are_joined_to_those_that_are_known(tmp_path: Path) -> None:
    a, b, c, d = (tmp_path / f"{name}.png" for name in "abcd")
    examples = [
        an_example(a), an_example(b, group="made:7", patient="7"),
        an_example(c, group="made:7", patient="7"), an_example(d),
    ]  # fmt: skip
    path = write_groups(
        tmp_path / "groups.csv", [(str(a), "made:7", "made:7"), (str(b), "made:7", "made:7")]
    )
    pairs, named = audited_pairs(examples, path)
    joined = join_groups(examples, pairs)
    assert [one.group for one in joined] == ["made:7", "made:7", "made:7", "d.png"]
    assert [one.patient for one in joined] == [None, "7", "7", None]
    assert named == 2


def test_relative_paths_and_links_are_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = tmp_path / "real"
    real.mkdir()
    for name in "ab":
        (real / f"{name}.png").touch()
    (tmp_path / "link").symlink_to(real)
    monkeypatch.chdir(tmp_path)
    path = write_groups(tmp_path / "groups.csv", [("link/a.png", "g", ""), ("link/b.png", "g", "")])
    found = audited_pairs([an_example(real / "a.png"), an_example(real / "b.png")], path)
    assert found == ([(0, 1)], 2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "No such file"),
        ("", "an empty file"),
        ("picture,label,group,part\n", "picture, label, group, part"),
        ("path,group,patient\na.png\n", "without a group"),
        ("path,group,patient\n", "tumorlens audit"),
        ("path,group,patient\n/elsewhere/a.png,g,\n", "none of the 1 pictures among its 1 paths"),
        ("path,group,patient\na\0.png,g,\n", "groups.csv"),
        (b"\xff\xfe\x00", "can't decode"),
    ],
)
def test_what_is_no_audit_of_these_pictures_is_refused(
    text: str | bytes | None, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "groups.csv"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError, match=said):
        audited_pairs([an_example(tmp_path / "a.png")], path)
