"""``run.json``: only the very same run goes on in a folder."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tumorlens.errors import ConfigError, TrainingError
from tumorlens.lab.config import Config, parse_config
from tumorlens.lab.pictures import Pictures
from tumorlens.lab.run_data import load_run_data
from tumorlens.lab.run_record import RUN_FILE, hash_pictures, record_run, recorded_config
from tumorlens.lab.splitting import Split


@pytest.fixture(scope="module")
def config() -> Config:
    return parse_config({"name": "made", "preparation": {"size": 32}, "data": {"folds": 3}})


@pytest.fixture(scope="module")
def loaded(class_folders: Path, config: Config, tmp_path_factory: pytest.TempPathFactory) -> tuple:
    return load_run_data(config, class_folders, tmp_path_factory.mktemp("run"))


@pytest.fixture
def run(loaded: tuple[Pictures, Split], config: Config, tmp_path: Path) -> Path:
    record_run(tmp_path, config, *loaded)
    return tmp_path


def test_another_split_is_refused_whatever_file_it_came_from(
    run: Path, loaded: tuple[Pictures, Split], config: Config
) -> None:
    pictures, split = loaded
    record_run(run, config, pictures, Split(split.training[::-1], split.validation[::-1]))
    before = (run / RUN_FILE).read_bytes()
    moved = Split((*split.training, split.validation[0]), split.validation[1:])
    for other in (Split(split.validation, split.training), moved):
        with pytest.raises(TrainingError, match="other split"):
            record_run(run, config, pictures, other)
    assert (run / RUN_FILE).read_bytes() == before


def test_other_outlines_are_other_data(
    run: Path, loaded: tuple[Pictures, Split], config: Config
) -> None:
    pictures, split = loaded
    drawn = pictures.masks.copy()
    drawn[0, 3:9, 3:9] = 255
    for other in (
        replace(pictures, masks=drawn),
        replace(pictures, outlined=~pictures.outlined),
    ):
        assert hash_pictures(other) != hash_pictures(pictures)
        with pytest.raises(TrainingError, match="other data"):
            record_run(run, config, other, split)


def test_a_record_from_before_outlines_were_recorded_is_accepted(
    run: Path, loaded: tuple[Pictures, Split], config: Config
) -> None:
    pictures, split = loaded
    record = json.loads((run / RUN_FILE).read_text())
    digest = hashlib.sha256(pictures.pixels.tobytes())
    for one in pictures.examples:
        digest.update(f"{one.picture},{one.label},{one.group}\n".encode())
    earlier = json.dumps(record | {"data_sha256": digest.hexdigest()})
    (run / RUN_FILE).write_text(earlier)
    record_run(run, config, pictures, split)
    assert json.loads((run / RUN_FILE).read_text()) == record
    (run / RUN_FILE).write_text(earlier)
    moved = replace(pictures, pixels=pictures.pixels[::-1].copy())
    with pytest.raises(TrainingError, match="other data"):
        record_run(run, config, moved, split)


def test_a_record_from_before_splits_were_recorded_is_accepted(
    run: Path, loaded: tuple[Pictures, Split], config: Config
) -> None:
    record = json.loads((run / RUN_FILE).read_text())
    digest = record.pop("split_sha256")
    (run / RUN_FILE).write_text(json.dumps(record))
    record_run(run, config, *loaded)
    assert json.loads((run / RUN_FILE).read_text())["split_sha256"] == digest


@pytest.mark.parametrize(
    "damaged", [b"", b'{"config": {"na', b"[]", b"3", b'{"config": []}', b"\xff", b"{}"]
)
def test_a_damaged_record_is_told_and_stays(
    run: Path, loaded: tuple[Pictures, Split], config: Config, damaged: bytes
) -> None:
    (run / RUN_FILE).write_bytes(damaged)
    with pytest.raises(TrainingError, match="record of a run") as told:
        record_run(run, config, *loaded)
    assert told.value.source == str(run / RUN_FILE)
    assert "train it anew" in told.value.remedy
    with pytest.raises(ConfigError, match="no settings in"):
        recorded_config(run)
    assert (run / RUN_FILE).read_bytes() == damaged


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_leaves_the_earlier_record(
    run: Path, loaded: tuple[Pictures, Split], config: Config
) -> None:
    before = (run / RUN_FILE).read_bytes()
    (run / f"{RUN_FILE}.partial").symlink_to("/dev/full")
    with pytest.raises(ConfigError, match="No space left"):
        record_run(run, config, *loaded)
    assert (run / RUN_FILE).read_bytes() == before
