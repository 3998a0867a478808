"""The app that Streamlit runs: the frame around the pages.

``tumorlens ui`` runs this file with settings from the environment; ``streamlit_app.py`` calls
`main` with its own.
"""

import os
from pathlib import Path

import streamlit as st

from tumorlens.reporting.wording import printable
from tumorlens.ui import state
from tumorlens.ui.notices import kindly, show_notice
from tumorlens.ui.pictures import draw_icon
from tumorlens.ui.settings import Settings

VIEWS: dict[str, tuple[str, str]] = {
    "scans": ("Scans", ":material/radiology:"),
    "compare": ("Compare two models", ":material/compare:"),
    "card": ("Model card", ":material/badge:"),
    "run": ("Training run", ":material/show_chart:"),
    "audit": ("Audit of a folder", ":material/fact_check:"),
}
"""The pages in the order of the menu: each module of ``views/``, its title and its icon."""


def main(settings: Settings) -> None:
    """Draw the app once; Streamlit calls this again whenever the visitor does something."""
    st.set_page_config(page_title="tumorlens", page_icon=draw_icon(), layout="wide")
    state.keep(settings)
    show_notice()
    folder = Path(__file__).parent / "views"
    pages = [
        st.Page(folder / f"{name}.py", title=title, icon=icon, default=name == "scans")
        for name, (title, icon) in VIEWS.items()
    ]
    page = st.navigation(pages)
    with st.sidebar:
        _show_model(settings)
    page.run()


def _show_model(settings: Settings) -> None:
    """Which model answers; where visitors may open folders they can choose another."""
    if settings.folders is not None:
        st.text_input(
            "Model folder",
            key=state.MODEL_FIELD,
            placeholder="the bundled model"
            if settings.model is None
            else "the one it started with",
            help="With model.onnx and card.json, such as runs/mine/model.",
        )
    with kindly():
        card = state.chosen_model().card
        st.caption(f"Model: {printable(card.name)} {printable(card.version)}")


if __name__ == "__main__":
    with kindly():
        main(Settings.from_environment(os.environ))
