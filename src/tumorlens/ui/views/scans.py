"""The page that answers scans: class and probabilities, where the network looked, the outline."""

from functools import partial
from typing import NamedTuple

import streamlit as st

from tumorlens.errors import ScanError
from tumorlens.measured_outline import BoolArray
from tumorlens.model import Model
from tumorlens.outlining import outline
from tumorlens.prediction import Prediction, VolumePrediction
from tumorlens.reporting.wording import name_of
from tumorlens.scan import Scan, Volume
from tumorlens.ui import answering, state
from tumorlens.ui.downloads import offer_downloads
from tumorlens.ui.inputs import Input
from tumorlens.ui.notices import kindly, plain, show_error
from tumorlens.ui.pictures import Look, draw
from tumorlens.ui.tables import measures
from tumorlens.ui.uploading import upload_box, welcome
from tumorlens.ui.viewer import Slice, choose_slice


class _Outlined(NamedTuple):
    """The tumor's mask in the slice that is shown, and its measures under a title."""

    mask: BoolArray | None
    title: str
    facts: dict[str, str]


_NONE = _Outlined(None, "", {})


def show() -> None:
    """Draw the page."""
    st.title("Scans", anchor=False)
    with kindly():
        model = state.chosen_model()
        upload_box()
        if not state.session().inputs:
            welcome()
            return
        one, outcome = answering.choose(answering.answer_all(model), key="scans")
        if isinstance(outcome, ScanError):
            show_error(outcome)
            return
        scan = state.session().open(one, limits=state.settings().limits)
        _show(one, scan, outcome, model)


def _show(
    one: Input, scan: Scan | Volume, answer: Prediction | VolumePrediction, model: Model
) -> None:
    picture, words = st.columns([5, 4], gap="large")
    with words:
        answering.show_verdict(answer)
        look = answering.choose_look(model.card.classes, key="scans")
        outlines = _outlines(answer) and st.toggle("Outline of the tumor", value=True)
    with picture:
        place = st.container()  # the picture stands above the slider that says which it is
        if isinstance(scan, Volume) and isinstance(answer, VolumePrediction):
            piece = choose_slice(scan, {"": answer}, key=one.key)
            mask, title, facts = _volume_outline(scan, answer, piece) if outlines else _NONE
        elif isinstance(scan, Scan) and isinstance(answer, Prediction):
            piece = Slice(0, scan, answer)
            mask, title, facts = _outline(scan, answer) if outlines else _NONE
        else:
            raise AssertionError("a scan has a slice's answer, a volume a volume's")
        drawn = draw(piece.scan, piece.answer, look, mask=mask)
        place.image(drawn, width="stretch", output_format="PNG", alt=_described(piece, look))
        if facts:
            st.caption(title)
            st.table([facts], hide_index=True)
    with words:
        again = partial(state.session().open, one, limits=state.settings().limits)
        offer_downloads(one.name, answer, model.card, scan=again, picture=drawn)


def _outlines(answer: Prediction | VolumePrediction) -> bool:
    """Whether the model outlines at all."""
    first = answer.slices[0].answer if isinstance(answer, VolumePrediction) else answer
    return first.evidence.outline is not None


def _described(piece: Slice, look: Look) -> str:
    """The picture in words, for those who do not see it."""
    if piece.answer is None or look.show == "scan":
        return "The slice in gray."
    return f"The slice and where the network saw evidence for {look.target or piece.answer.label}."


def _outline(scan: Scan, answer: Prediction) -> _Outlined:
    found = outline(scan, answer)
    return _Outlined(found.mask, "Tumor", measures(found) if found.mask.any() else {})


def _volume_outline(volume: Volume, answer: VolumePrediction, piece: Slice) -> _Outlined:
    found = state.session().outline(volume, answer)
    mask = found.mask[piece.index]
    if found.outline is None:
        return _Outlined(mask, "", {})
    whole = {} if found.volume_ml is None else {"volume": f"{found.volume_ml:.1f} ml"}
    by = f", outlined by {name_of(found.outlined_by)}" if found.outlined_by else ""
    title = f"Tumor{by}; all but the volume in slice {found.largest}, where it is largest"
    title = "; ".join([title, *map(plain, found.notes)])
    return _Outlined(mask, title, whole | measures(found.outline))


if __name__ == "__main__":
    show()
