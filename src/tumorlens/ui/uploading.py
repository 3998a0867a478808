"""The box that takes uploads, on every page that answers scans."""

from pathlib import Path

import streamlit as st

from tumorlens.reporting.wording import printable
from tumorlens.ui import state
from tumorlens.ui.inputs import Upload

_BOX, _EXAMPLE = "uploads", "example"


def upload_box() -> None:
    """Take scans: the session holds them from then on, on all pages, until they are forgotten."""
    st.file_uploader(
        "Scans: pictures, NIfTI, DICOM files, or a zip of them",
        accept_multiple_files=True,
        key=_BOX,
        on_change=_take_uploads,
        max_upload_size=state.settings().limits.max_bytes // 2**20,
        help="Several at once are fine. The files of a DICOM series become one volume.",
    )
    if (folder := state.settings().examples) and (names := _examples(folder)):
        st.selectbox(
            "Or try an example",
            names,
            index=None,
            key=_EXAMPLE,
            placeholder="A scan that comes with tumorlens",
            on_change=_take_example,
            args=(folder,),
        )
    if state.session().inputs and not st.session_state.get(_BOX):
        st.button("Forget these scans", on_click=state.take, args=([],), icon=":material/delete:")


def welcome() -> None:
    """What a visitor reads before the first upload."""
    st.markdown(
        "Upload one or many brain MR scans to see which tumor the model finds, if any, and where "
        "it looked.\n\n"
        "- JPEG, PNG, TIFF, BMP and WebP pictures, NIfTI volumes, DICOM files and series; the "
        "content decides, not the name.\n"
        "- Volumes are answered slice by slice.\n"
        "- Uploads stay in the memory of this session and are gone when it ends. Nothing is "
        "stored, nothing is sent elsewhere."
    )


def _take_uploads() -> None:
    st.session_state[_EXAMPLE] = None
    files = st.session_state[_BOX] or []
    state.take([Upload(one.file_id, printable(one.name), one.getvalue()) for one in files])


def _take_example(folder: Path) -> None:
    name = st.session_state[_EXAMPLE]
    if name in _examples(folder):
        state.take([Upload(f"example {name}", name, (folder / name).read_bytes())])


def _examples(folder: Path) -> list[str]:
    """The scans of the examples' folder by name; notes and programs beside them are none."""
    others = (".md", ".py", ".txt")
    return sorted(
        path.name
        for path in folder.glob("*")
        if path.is_file() and path.suffix not in others and not path.name.startswith(".")
    )
