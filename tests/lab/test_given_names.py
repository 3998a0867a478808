from pathlib import Path

import pytest

from tumorlens.card import OUTLINE_VOLUME
from tumorlens.lab.config import parse_config
from tumorlens.lab.given_names import idle_settings
from tumorlens.lab.settings_file import read_values

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.mark.parametrize(
    ("section", "name", "value", "other"),
    [
        ("training", "attention_weight", 0.1, {"network": {"outlines": True}}),
        ("training", "outline_weight", 2.0, {"network": {"outlines": True}}),
        ("training", "focus", 1.0, {"training": {"loss": "focal"}}),
        ("training", "distillation", 0.5, {"training": {"teachers": ["runs/a"]}}),
        ("training", "unfreeze_every", 2, {"network": {"frozen_stages": 1, "weights": "w"}}),
        ("network", "frozen_stages", 2, {"network": {"weights": "imagenet"}}),
    ],
)
def test_a_setting_that_changes_nothing_alone_is_told(
    section: str, name: str, value: float, other: dict[str, dict[str, object]]
) -> None:
    alone = idle_settings(parse_config({section: {name: value}}))
    assert len(alone) == 1
    assert name in alone[0]
    both = {part: {**other.get(part, {})} for part in {section, *other}}
    both[section][name] = value
    assert idle_settings(parse_config(both)) == []


def test_the_effective_number_wants_class_weights() -> None:
    weighted: dict[str, object] = {"effective_number": 0.99}
    assert idle_settings(parse_config({"training": weighted})) == []
    (line,) = idle_settings(parse_config({"training": weighted | {"class_weights": False}}))
    assert "training.class_weights = true" in line


@pytest.mark.parametrize("path", sorted(CONFIGS.rglob("*.toml")), ids=lambda path: path.stem)
def test_no_published_config_has_such_a_setting(path: Path) -> None:
    values = read_values(path)
    if values.get("task") != OUTLINE_VOLUME:
        assert idle_settings(parse_config(values)) == []
