from pathlib import Path

import pytest

from tumorlens.errors import ConfigError
from tumorlens.ui.settings import SMALL, Settings


def test_without_variables_nothing_is_open_and_scans_are_small() -> None:
    settings = Settings.from_environment({})
    assert settings == Settings(model=None, folders=None, examples=None, limits=SMALL)


def test_variables_say_the_rest() -> None:
    settings = Settings.from_environment(
        {
            "TUMORLENS_UI_MODEL": "m",
            "TUMORLENS_UI_FOLDERS": "/data",
            "TUMORLENS_UI_EXAMPLES": "e",
            "TUMORLENS_UI_MAX_VOXELS": "1000",
        }
    )
    assert (settings.model, settings.folders, settings.examples) == (
        Path("m"),
        Path("/data"),
        Path("e"),
    )
    assert settings.limits.max_voxels == 1000


@pytest.mark.parametrize("text", ["many", "-1", "0", "1.5", "٣"])
def test_a_number_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="TUMORLENS_UI_MAX_VOXELS"):
        Settings.from_environment({"TUMORLENS_UI_MAX_VOXELS": text})
