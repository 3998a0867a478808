"""The page that shows two models' answers about the same scan side by side."""

from pathlib import PurePath

import streamlit as st

from tumorlens.errors import ScanError
from tumorlens.model import Model
from tumorlens.prediction import Prediction, VolumePrediction
from tumorlens.reporting.wording import spoken
from tumorlens.scan import Scan, Volume
from tumorlens.ui import answering, state
from tumorlens.ui.inputs import Input
from tumorlens.ui.notices import kindly, plain, show_error
from tumorlens.ui.pictures import Look, draw
from tumorlens.ui.session import Answer
from tumorlens.ui.tables import compare
from tumorlens.ui.uploading import upload_box
from tumorlens.ui.viewer import choose_slice, describe, judged


def show() -> None:
    """Draw the page."""
    st.title("Compare two models", anchor=False)
    with kindly():
        models = _choose_models()
        upload_box()
        if models is None or not state.session().inputs:
            st.markdown("Name a second model folder and upload a scan: both models answer it.")
            return
        first, second = models.values()
        found = answering.answer_all(first)
        answering.answer_all(second)
        one, outcome = answering.choose(found, key="compare")
        limits = state.settings().limits
        other = state.session().answer(one, model=second, limits=limits)
        for each in (outcome, other):
            if isinstance(each, ScanError):
                show_error(each)
                return
        assert not isinstance(outcome, ScanError)
        assert not isinstance(other, ScanError)
        _show(one, dict(zip(models, (outcome, other), strict=True)), models)


def _choose_models() -> dict[str, Model] | None:
    """Both models by the name they are shown under; None until a second one is named."""
    text = st.text_input(
        "Folder of the second model",
        key="second model",
        placeholder="runs/mine/model",
        help="With model.onnx and card.json. The first is the one in the sidebar.",
    )
    first = state.chosen_model()
    if not text.strip():
        return None
    second = state.model_in(text)
    names = [f"{one.card.name} {one.card.version}" for one in (first, second)]
    if names[0] == names[1]:
        names[1] = f"{names[1]} ({PurePath(text.strip()).as_posix()})"
    return {names[0]: first, names[1]: second}


def _show(one: Input, answers: dict[str, Answer], models: dict[str, Model]) -> None:
    first, second = answers.values()
    _show_agreement(first, second)
    known = [model.card.classes for model in models.values()]
    look = answering.choose_look([name for name in known[0] if name in known[1]], key="compare")
    scan, pieces = _pieces(one, answers)
    for column, name in zip(st.columns(2, gap="large"), answers, strict=True):
        with column:
            _show_one(name, scan, answers[name], pieces[name], look)
    rows = compare(first.probabilities, second.probabilities)
    names = dict(zip(("first", "second"), answers, strict=True))
    st.table([{names.get(key, key): text for key, text in row.items()} for row in rows])


def _show_agreement(first: Answer, second: Answer) -> None:
    """Whether both say the same; of a scan that is refused nothing is said."""
    one, other = (spoken(each.label) if each.accepted else "" for each in (first, second))
    if not one and not other:
        st.error("Both refuse this scan.", icon=":material/block:")
    elif not one or not other:
        refusing, saying = ("second", "first") if one else ("first", "second")
        st.warning(
            f"They disagree: the {refusing} model refuses this scan, the {saying} says "
            f"{plain(one or other)}.",
            icon=":material/difference:",
        )
    elif one == other:
        st.success(f"Both say {plain(one)}.", icon=":material/check:")
    else:
        st.warning(f"They disagree: {plain(one)} and {plain(other)}.", icon=":material/difference:")


def _pieces(one: Input, answers: dict[str, Answer]) -> tuple[Scan, dict[str, Prediction | None]]:
    """The slice that is looked at, and each model's answer about it."""
    scan = state.session().open(one, limits=state.settings().limits)
    if isinstance(scan, Volume):
        volumes = {
            name: answer for name, answer in answers.items() if isinstance(answer, VolumePrediction)
        }
        piece = choose_slice(scan, volumes, key=one.key)
        return piece.scan, {name: judged(each, piece.index) for name, each in volumes.items()}
    return scan, {name: one for name, one in answers.items() if isinstance(one, Prediction)}


def _show_one(name: str, scan: Scan, answer: Answer, piece: Prediction | None, look: Look) -> None:
    st.markdown(f"**{plain(name)}**")
    st.image(draw(scan, piece, look), width="stretch", output_format="PNG", alt=f"As {name} saw it")
    if isinstance(answer, VolumePrediction) and piece is not None:
        st.caption(describe(int(piece.source.rpartition("#")[2]), piece))
    answering.show_verdict(answer)


if __name__ == "__main__":
    show()
