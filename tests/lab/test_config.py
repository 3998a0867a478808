from pathlib import Path

import pytest

from tumorlens.card import OUTLINE_VOLUME
from tumorlens.errors import ConfigError
from tumorlens.lab.config import Config, parse_config, read_config
from tumorlens.lab.settings import parse_settings
from tumorlens.lab.settings_file import read_values
from tumorlens.lab.volumes.settings import VolumeConfig

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.mark.parametrize("path", sorted(CONFIGS.rglob("*.toml")), ids=lambda path: path.stem)
def test_every_published_config_is_valid(path: Path) -> None:
    values = read_values(path)
    if values.get("task") == OUTLINE_VOLUME:
        assert parse_settings(VolumeConfig, values, source=str(path)).name == path.stem
    else:
        assert read_config(path).name == path.stem


def test_overrides_win(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("[training]\nepochs = 3\n")
    config = read_config(path, overrides=["training.epochs=7", "network.name=custom_cnn"])
    assert config.training.epochs == 7
    assert config.network.name == "custom_cnn"


@pytest.mark.parametrize(
    ("key", "meant"),
    [("training.epoch", "training.epochs"), ("network.droput", "network.dropout")],
)
def test_an_unknown_key_names_the_nearest(key: str, meant: str, tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("")
    with pytest.raises(ConfigError) as caught:
        read_config(path, overrides=[f"{key}=1"])
    assert meant in caught.value.remedy


@pytest.mark.parametrize(
    "values",
    [
        {"training": {"epochs": 0}},
        {"network": {"dropout": 1.5}},
        {"data": {"folds": 1}},
        {"preparation": {"percentiles": [99, 1]}},
    ],
)
def test_values_out_of_range_are_refused(values: dict[str, dict[str, object]]) -> None:
    with pytest.raises(ConfigError):
        parse_config(values)


def test_missing_and_broken_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        read_config(tmp_path / "absent.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("training = [")
    with pytest.raises(ConfigError, match="a mistake"):
        read_config(broken)


def test_an_override_without_a_value_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("")
    with pytest.raises(ConfigError, match=r"section\.key=value"):
        read_config(path, overrides=["training.epochs"])


@pytest.mark.parametrize("override", ["name.x=1", "training.epochs.x=1", "data.share={lgg=34}"])
def test_overrides_that_make_no_sense_are_refused(override: str, tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('name = "n"\n[training]\nepochs = 3\n')
    with pytest.raises(ConfigError):
        read_config(path, overrides=[override])


def test_the_training_size_is_the_preparations_by_default() -> None:
    assert Config().training_size == Config().preparation.size


def test_training_pictures_grow_evenly_to_their_last_size() -> None:
    config = parse_config({"training": {"epochs": 5, "first_size": 128, "size": 192}})
    assert [config.size_in(epoch) for epoch in (1, 2, 3, 4, 5)] == [128, 144, 160, 176, 192]
    assert parse_config({"training": {"size": 160}}).size_in(1) == 160


def test_a_file_lies_over_its_base(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "base.toml").write_text('name = "base"\n[training]\nepochs = 3\nbatch_size = 8\n')
    (tmp_path / "inner" / "own.toml").write_text(
        'base = "../base.toml"\nname = "own"\n[training]\nepochs = 4\n[network]\ndropout = 0.1\n'
    )
    config = read_config(tmp_path / "inner" / "own.toml", overrides=["training.batch_size=16"])
    assert (config.name, config.training.epochs, config.training.batch_size) == ("own", 4, 16)
    assert config.network.dropout == 0.1


@pytest.mark.parametrize("base", ['"own.toml"', "3", '"absent.toml"'])
def test_a_base_that_leads_nowhere_is_refused(tmp_path: Path, base: str) -> None:
    (tmp_path / "own.toml").write_text(f"base = {base}\n")
    with pytest.raises(ConfigError):
        read_config(tmp_path / "own.toml")


FOLDERS = {"techniques": ("baseline", 3), "scarce": ("scarce_plain", 2)}


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_technique_differs_from_its_baseline_in_itself_alone(folder: str) -> None:
    name, most = FOLDERS[folder]
    baseline = read_config(CONFIGS / folder / f"{name}.toml").model_dump()
    told = set()
    for path in sorted((CONFIGS / folder).glob("*.toml")):
        if path.stem == name:
            continue
        config = read_config(path).model_dump()
        changed = {
            (section, key)
            for section in ("data", "preparation", "network", "training", "augmentation")
            for key, value in config[section].items()
            if value != baseline[section][key]
        }
        spared = {key for section, key in changed if section != "augmentation"}
        assert changed, path
        assert len(spared) <= most, path
        told.add(str({key: config[key] for key in ("data", "network", "training", "augmentation")}))
    assert len(told) == len(list((CONFIGS / folder).glob("*.toml"))) - 1


@pytest.mark.parametrize(
    "override",
    [
        "training.learning_rate=inf",
        "training.focus=inf",
        "augmentation.zoom=inf",
        "training.weight_decay=nan",
        "training.seed=4294967296",
        "training.size=100000",
        "training.first_size=100000",
        "data.validation_fold=5",
        'name=""',
        "name=../others",
        "name=/somewhere",
    ],
)
def test_settings_that_no_run_can_be_made_of_are_refused(override: str, tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("")
    with pytest.raises(ConfigError):
        read_config(path, overrides=[override])


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("data.datasets=lgg", "a list, such as"),
        ("data.share=3", "a section of settings"),
        ("network=resnet50", "a section of settings"),
        ("training.cycles=5", "expected epochs that the cycles divide"),
    ],
)
def test_what_was_expected_is_said_in_words_of_toml(
    override: str, expected: str, tmp_path: Path
) -> None:
    path = tmp_path / "c.toml"
    path.write_text("")
    with pytest.raises(ConfigError, match=expected):
        read_config(path, overrides=[override])


def test_a_file_of_another_encoding_is_refused_and_a_byte_order_mark_is_not(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_bytes('name = "größer"'.encode("latin-1"))
    for base in ("", 'base = "c.toml"', 'base = "\\u0000"'):
        above = tmp_path / "above.toml"
        above.write_text(base)
        with pytest.raises(ConfigError, match="TOML file in UTF-8"):
            read_config(above if base else path)
    path.write_bytes(b'\xef\xbb\xbfname = "marked"\r\n')
    assert read_config(path).name == "marked"


def test_paths_in_settings_may_begin_at_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    config = parse_config(
        {
            "data": {"split": "~/split.csv", "groups": "~/groups.csv"},
            "network": {"weights": "~/model"},
            "training": {"teachers": ["~/runs/a", "runs/~"]},
        }
    )
    given = [config.data.split, config.data.groups, config.network.weights]
    assert given == [str(tmp_path / name) for name in ("split.csv", "groups.csv", "model")]
    assert config.training.teachers == (str(tmp_path / "runs/a"), "runs/~")
