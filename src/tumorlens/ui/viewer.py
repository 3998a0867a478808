"""The viewer of a volume: a slider through its slices, and every slice's tumor probability."""

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from tumorlens.prediction import Prediction, VolumePrediction
from tumorlens.reporting.wording import percent, printable, spoken
from tumorlens.scan import Scan, Volume
from tumorlens.ui.charts import draw_curve


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """A slice that is looked at.

    Attributes:
        index: 0-based.
        scan: Its pixels.
        answer: About it; None where it shows too little of the head to be judged.
    """

    index: int
    scan: Scan
    answer: Prediction | None


def choose_slice(volume: Volume, answers: Mapping[str, VolumePrediction], *, key: str) -> Slice:
    """Let the visitor walk through a volume; the most suspicious slice is shown first.

    Args:
        volume: Of at least one slice.
        answers: About it, by the name of the curve of each; the first decides where to begin.
        key: Of the widgets: the input's.

    Returns:
        The slice, with the first answer's judgement of it.
    """
    first = next(iter(answers.values()))
    slider = f"slice {key}"
    st.session_state.setdefault(slider, first.suspicious[0])
    index = 0
    if len(volume.voxels) > 1:
        index = st.slider("Slice", 0, len(volume.voxels) - 1, key=slider)
    answer = judged(first, index)
    st.caption(describe(index, answer))
    _offer_suspicious(first, slider)
    st.altair_chart(draw_curve(answers, index=index), alt="Tumor probability of every judged slice")
    return Slice(index, volume.slice(index), answer)


def judged(answer: VolumePrediction, index: int) -> Prediction | None:
    """The answer about a slice; None where it was not judged."""
    try:
        return answer.slice(index)
    except KeyError:
        return None


def describe(index: int, answer: Prediction | None) -> str:
    """What was answered about a slice, in words."""
    if answer is None:
        return f"Slice {index}: not judged, it shows too little of the head."
    if not answer.accepted:
        return f"Slice {index}: refused, {printable(answer.reason or 'unlike what is known')}."
    sure = percent(answer.probabilities[answer.label])
    tumor = percent(answer.tumor_probability)
    return f"Slice {index}: {spoken(answer.label)} {sure}, tumor of any kind {tumor}."


def _offer_suspicious(answer: VolumePrediction, slider: str) -> None:
    """A button for each of the slices that look most like a tumor."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Most suspicious", width="content")
        for index in answer.suspicious:
            st.button(f"{index}", key=f"{slider} to {index}", on_click=_go, args=(slider, index))


def _go(slider: str, index: int) -> None:
    st.session_state[slider] = index
