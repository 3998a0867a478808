"""The page that audits a folder of pictures: twins, leaks, wrong labels, broken files."""

import streamlit as st

from tumorlens.ui import state
from tumorlens.ui.auditing import STAGES, Findings, audit_folder
from tumorlens.ui.folders import open_folder
from tumorlens.ui.notices import kindly

_FINDINGS = "findings"
_MAX_PICTURES = 5000  # about as many as a visitor would wait for


def show() -> None:
    """Draw the page."""
    st.title("Audit of a folder", anchor=False)
    st.markdown(
        "Finds pictures that are there twice, leak from one set to another, carry two labels, or "
        "are broken. Nothing in the folder is changed."
    )
    with kindly():
        text = st.text_input("Folder of pictures", key="audit folder", placeholder="data/sartaj")
        if st.button("Audit", type="primary", disabled=not text.strip()):
            st.session_state[_FINDINGS] = None
            st.session_state[_FINDINGS] = (text, _audit(text))
        if (kept := st.session_state.get(_FINDINGS)) and kept[0] == text:
            _show(kept[1])


def _audit(text: str) -> Findings:
    folder = open_folder(text, root=state.settings().folders)
    bar = st.progress(0.0, "Looking for pictures")
    stages = list(STAGES.values())

    def tell(stage: str, done: int, total: int) -> None:
        part = (stages.index(stage) + done / max(1, total)) / len(stages)
        bar.progress(min(1.0, part), f"{stage}: {done} of {total}")

    try:
        return audit_folder(folder, max_pictures=_MAX_PICTURES, progress=tell)
    finally:
        bar.empty()


def _show(found: Findings) -> None:
    pictures, groups = st.columns(2)
    pictures.metric("Pictures", found.pictures)
    groups.metric(
        "Groups", found.groups, help="Pictures of one group belong to one side of a split"
    )
    for title, rows in found.tables.items():
        st.header(title, anchor=False)
        st.dataframe(rows, hide_index=True)
    with st.container(horizontal=True):
        st.download_button(
            "The worst pairs side by side",
            found.page,
            "audit.html",
            "text/html",
            on_click="ignore",
            icon=":material/description:",
        )
        st.download_button(
            "groups.csv",
            found.groups_csv,
            "groups.csv",
            "text/csv",
            on_click="ignore",
            icon=":material/table:",
        )


if __name__ == "__main__":
    show()
