from dataclasses import fields

import pytest

from tumorlens.errors import ConfigError
from tumorlens.serving.settings import MEBIBYTE, VARIABLES, Settings


def test_variables_name_fields() -> None:
    assert {name for name, _ in VARIABLES.values()} <= {one.name for one in fields(Settings)}


def test_without_variables_the_defaults_hold() -> None:
    assert Settings.from_environment({"TUMORLENS_API_KEY": " "}) == Settings()


def test_variables_are_read_in_their_units() -> None:
    made = Settings.from_environment(
        {
            "TUMORLENS_API_KEY": "secret",
            "TUMORLENS_MAX_BODY_MB": "3",
            "TUMORLENS_WORKERS": "2",
            "TUMORLENS_MAX_VOXELS_MI": "12",
            "AIP_PREDICT_ROUTE": "/predict",
        }
    )
    assert made.api_key == "secret"
    assert made.max_body_bytes == 3 * MEBIBYTE
    assert made.workers == 2
    assert made.limits.max_voxels == made.limits.max_pixels == 12 * MEBIBYTE
    assert made.vertex_predict_route == "/predict"


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "٣", "1" * 12])
def test_wrong_numbers_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="TUMORLENS_WORKERS"):
        Settings.from_environment({"TUMORLENS_WORKERS": text})


def test_routes_are_paths() -> None:
    with pytest.raises(ConfigError, match="AIP_HEALTH_ROUTE"):
        Settings.from_environment({"AIP_HEALTH_ROUTE": "health"})


@pytest.mark.parametrize("key", ["schl\u00fcssel", "two words", "line\nbreak", "\u20ac"])
def test_a_key_that_no_header_can_carry_is_refused(key: str) -> None:
    with pytest.raises(ConfigError, match="TUMORLENS_API_KEY") as refused:
        Settings.from_environment({"TUMORLENS_API_KEY": key})
    assert key not in str(refused.value)


@pytest.mark.parametrize(
    "name",
    ["TUMORLENS_APIKEY", "TUMORLENS_KEY", "TUMORLENS_MAX_BODY", "TUMORLENS_MODL"],
)
def test_misspelt_variables_are_told(name: str) -> None:
    """A service without the key that was meant for it is open to everybody."""
    with pytest.raises(ConfigError, match=name) as refused:
        Settings.from_environment({name: "hidden"})
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize(
    "name",
    [
        *("TUMORLENS_HOST", "TUMORLENS_MODEL", "TUMORLENS_CACHE", "TUMORLENS_UI_MODEL"),
        *("TUMORLENS_PORT_8080_TCP", "TUMORLENS_SERVICE_HOST", "TUMORLENS_MODEL_PORT"),
        *("TUMORLENS_API_PORT_80_TCP", "TUMORLENS_API_SERVICE_PORT", "API_KEY", "PATH"),
    ],
)
def test_variables_of_others_are_left_alone(name: str) -> None:
    """Kubernetes sets some for every service of the pod's namespace."""
    assert Settings.from_environment({name: "tcp://10.0.0.1:80"}) == Settings()
