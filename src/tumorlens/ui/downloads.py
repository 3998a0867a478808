"""What a visitor can take home: the answer as JSON, the picture, the report."""

import json
from collections.abc import Callable, Iterator
from pathlib import PurePath

import streamlit as st
from PIL import Image

from tumorlens.card import Card
from tumorlens.notice import NOTICE
from tumorlens.reporting.figure import png_bytes
from tumorlens.reporting.formats import to_record
from tumorlens.reporting.overlay import make_overlays
from tumorlens.reporting.page import Picture, make_picture, make_row, render_entry, render_page
from tumorlens.scan import Scan, Volume
from tumorlens.ui.session import Answer


def offer_downloads(
    name: str,
    answer: Answer,
    card: Card,
    *,
    scan: Callable[[], Scan | Volume],
    picture: Image.Image,
) -> None:
    """Buttons for the downloads; the report is only made when it is asked for.

    Args:
        name: Of the input.
        answer: About it.
        card: Of the model that answered.
        scan: Gives the decoded input: the buttons stay longer than it is kept.
        picture: What is shown of it.
    """
    stem = PurePath(name).name.partition(".")[0] or "scan"
    with st.container(horizontal=True):
        st.download_button(
            "Report",
            lambda: report_page(scan(), answer, card),
            f"{stem}-report.html",
            "text/html",
            on_click="ignore",
            icon=":material/description:",
        )
        st.download_button(
            "Answer",
            lambda: answer_json(scan(), answer),
            f"{stem}-answer.json",
            "application/json",
            on_click="ignore",
            icon=":material/data_object:",
        )
        st.download_button(
            "Picture",
            lambda: png_bytes(picture),
            f"{stem}.png",
            "image/png",
            on_click="ignore",
            icon=":material/image:",
        )


def answer_json(scan: Scan | Volume, answer: Answer) -> bytes:
    """The answer as a JSON file, as the command prints it, with the notice."""
    return json.dumps(to_record((scan, answer)) | {"notice": NOTICE}, indent=2).encode()


def report_page(scan: Scan | Volume, answer: Answer, card: Card) -> bytes:
    """The page of `tumorlens.write_report` about one scan."""
    result = (scan, answer)
    entry = render_entry(result, _pictures(scan, answer), number=1)
    return "".join(render_page(card, [make_row(result, number=1)], [entry])).encode()


def _pictures(scan: Scan | Volume, answer: Answer) -> Iterator[Picture]:
    for overlay in make_overlays(scan, answer):
        yield make_picture(overlay, "", number=1)
