import os

import pytest

from tumorlens.bulk.environment import set_environment

LOOPBACK = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"


@pytest.mark.parametrize("address", [None, "10.0.0.1:6379"])
def test_nothing_is_reported_and_only_a_cluster_is_seen_from_outside(
    address: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RAY_USAGE_STATS_ENABLED", "RAY_BACKEND_LOG_LEVEL", LOOPBACK):
        monkeypatch.setenv(name, "1")
        monkeypatch.delenv(name)
    set_environment(address)
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
    assert os.environ.get(LOOPBACK) == ("0" if address is None else None)
