"""The app's state as Streamlit keeps it: settings and session of a visitor, models of all."""

from pathlib import Path
from typing import cast

import streamlit as st

from tumorlens.card import CARD_FILE
from tumorlens.model import DEFAULT_FOLDER, Model, load_model
from tumorlens.ui.folders import open_folder
from tumorlens.ui.inputs import Upload
from tumorlens.ui.session import Session
from tumorlens.ui.settings import Settings

_SETTINGS, _SESSION = "tumorlens settings", "tumorlens session"

MODEL_FIELD = "model folder"
"""Key of the sidebar's field."""


def keep(settings: Settings) -> None:
    """Give the pages their settings, and a new visitor a session."""
    st.session_state[_SETTINGS] = settings
    st.session_state.setdefault(_SESSION, Session())


def settings() -> Settings:
    """The app's settings."""
    return cast(Settings, st.session_state[_SETTINGS])


def session() -> Session:
    """What this visitor has uploaded and got."""
    return cast(Session, st.session_state[_SESSION])


def take(uploads: list[Upload]) -> None:
    """Make these the uploads of the session."""
    session().take(uploads, limits=settings().limits)


def chosen_model() -> Model:
    """The model that answers: of the folder typed in the sidebar, or the settings'.

    Raises:
        ModelError: It cannot be used.
        ConfigError: The visitor may not open that folder.
    """
    return model_in(str(st.session_state.get(MODEL_FIELD) or ""))


def model_in(text: str) -> Model:
    """The model in a folder as typed by the visitor; the settings' model where nothing is.

    Raises:
        ModelError: It cannot be used.
        ConfigError: The visitor may not open that folder.
    """
    if text.strip():
        return _load(open_folder(text, root=settings().folders))
    return _load(settings().model or DEFAULT_FOLDER)


def _load(folder: Path) -> Model:
    try:
        stamp = (folder / CARD_FILE).stat().st_mtime
    except OSError:  # load_model tells what is wrong
        stamp = 0.0
    return _cached(str(folder), stamp)


@st.cache_resource(max_entries=2, show_spinner="Loading the model")
def _cached(folder: str, stamp: float) -> Model:  # noqa: ARG001  (tells trainings apart)
    """A model, loaded once for all visitors, and anew where its folder was trained again."""
    return load_model(folder)
