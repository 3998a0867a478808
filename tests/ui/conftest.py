"""The app of the tiny model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("streamlit", reason="the extra [ui] is not installed")

import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.ui.made import APP, VIEWS

Start = Callable[..., Any]


@pytest.fixture
def start(model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Starts the app on a page, with a model and with folders that visitors may open."""
    st.cache_resource.clear()

    def begin(
        page: str = "scans", *, model: Path = model_folder, folders: Path | None = None
    ) -> Any:
        monkeypatch.setenv("TUMORLENS_UI_MODEL", str(model))
        if folders is not None:
            monkeypatch.setenv("TUMORLENS_UI_FOLDERS", str(folders))
        at = AppTest.from_file(str(APP), default_timeout=60).run()
        return at if page == "scans" else at.switch_page(str(VIEWS / f"{page}.py")).run()

    return begin
