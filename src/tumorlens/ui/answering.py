"""What pages that answer scans share: answering all, choosing one, showing its verdict."""

from collections.abc import Sequence

import streamlit as st

from tumorlens.model import Model
from tumorlens.reporting.overlay import OPACITY
from tumorlens.reporting.wording import spoken
from tumorlens.ui import state
from tumorlens.ui.charts import draw_bars
from tumorlens.ui.inputs import Input
from tumorlens.ui.notices import plain
from tumorlens.ui.pictures import METHODS, SHOWS, Look
from tumorlens.ui.session import Answer, Outcome
from tumorlens.ui.tables import overview
from tumorlens.ui.verdict import read_verdict

_ANSWERED = ""  # stands for whatever class was answered


def answer_all(model: Model) -> list[tuple[Input, Outcome]]:
    """Answer every input of the session, telling the visitor where it stands."""
    session, limits = state.session(), state.settings().limits
    waiting = session.waiting(model)
    bar = st.progress(0.0, "Reading") if waiting else None
    for number, one in enumerate(waiting):
        if bar:
            bar.progress(number / len(waiting), f"Reading {number + 1} of {len(waiting)}")
        session.answer(one, model=model, limits=limits)
    if bar:
        bar.empty()
    return [(one, session.answer(one, model=model, limits=limits)) for one in session.inputs]


def choose(found: Sequence[tuple[Input, Outcome]], *, key: str) -> tuple[Input, Outcome]:
    """Let the visitor choose one of several; shows all in a table."""
    if len(found) == 1:
        return found[0]
    st.dataframe(overview([(one.name, outcome) for one, outcome in found]), hide_index=True)
    names = [one.name for one, _ in found]
    chosen = st.selectbox("Scan to look at", names, key=f"{key} chosen")
    return found[names.index(chosen)]


def show_verdict(answer: Answer) -> None:
    """The answer in words and bars; and first of all whether it counts."""
    verdict = read_verdict(answer)
    if verdict.refusal:
        st.error(f"**Refused:** {plain(verdict.refusal)}", icon=":material/block:")
        said = f"{verdict.headline}, {verdict.tumor}"
        st.caption(f"What the model would have said means nothing here: {plain(said)}")
    else:
        st.header(verdict.headline, anchor=False)
        st.caption(verdict.tumor)
    if verdict.how:
        st.caption(plain(verdict.how))
    bars = ", ".join(f"{spoken(name)} {p:.1%}" for name, p in answer.probabilities.items())
    drawn = draw_bars(answer.probabilities, counts=answer.accepted)
    st.altair_chart(drawn, alt=f"Probabilities: {bars}")
    if verdict.classes:
        st.markdown(f"Cannot be excluded: **{plain(', '.join(verdict.classes))}**")
    if verdict.advice:
        st.info(plain(verdict.advice.capitalize()), icon=":material/lightbulb:")


def choose_look(classes: Sequence[str], *, key: str) -> Look:
    """Let the visitor say how slices are shown.

    Args:
        classes: That can be explained.
        key: Of the widgets.
    """
    show = st.segmented_control("Show", SHOWS, default="overlay", required=True, key=f"{key} show")
    left, right = st.columns(2)
    target = left.selectbox(
        "Class explained",
        [_ANSWERED, *classes],
        format_func=lambda name: spoken(name) if name else "as answered",
        key=f"{key} target",
    )
    method = right.selectbox("Method", list(METHODS), key=f"{key} method")
    opacity = st.slider(
        "Opacity of the heatmap", 0, 100, round(OPACITY * 100), 5, "%d %%", key=f"{key} opacity"
    )
    return Look(show=show, target=target or None, method=method, opacity=opacity / 100)
