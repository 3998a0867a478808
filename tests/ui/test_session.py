import gc

import pytest

from tests.ui.made import nifti, png, upload
from tumorlens.errors import ConfigError, ScanError
from tumorlens.model import Model
from tumorlens.outlining import outline_volume
from tumorlens.prediction import VolumePrediction, predict
from tumorlens.scan import Scan, Volume
from tumorlens.ui import session as module
from tumorlens.ui.session import Session
from tumorlens.ui.settings import SMALL


@pytest.fixture
def session() -> Session:
    made = Session()
    made.take([upload("a.png", png()), upload("bad.png", b"bad")], limits=SMALL)
    return made


def test_an_answer_is_found_once(
    session: Session, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Scan | Volume] = []
    monkeypatch.setattr(
        module, "predict", lambda scan, model: asked.append(scan) or predict(scan, model=model)
    )
    first = [session.answer(one, model=model, limits=SMALL) for one in session.inputs]
    again = [session.answer(one, model=model, limits=SMALL) for one in session.inputs]
    assert len(asked) == 1
    assert first[0] is again[0]
    assert isinstance(first[1], ScanError)
    assert session.waiting(model) == []


def test_each_model_answers_itself(session: Session, model: Model, outlining: Model) -> None:
    session.answer(session.inputs[0], model=model, limits=SMALL)
    assert len(session.waiting(model)) == 1
    assert len(session.waiting(outlining)) == 2


def test_only_one_input_is_kept_decoded(model: Model) -> None:
    session = Session()
    session.take([upload("a.png", png()), upload("b.png", png(0))], limits=SMALL)
    first, second = session.inputs
    opened = session.open(first, limits=SMALL)
    assert session.open(first, limits=SMALL) is opened
    session.open(second, limits=SMALL)
    assert session.open(first, limits=SMALL) is not opened


def test_all_sessions_together_keep_a_few_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_OPEN_VOXELS", 2 * 96 * 80)
    sessions = [Session() for _ in range(3)]
    opened = []
    for session in sessions:
        session.take([upload("a.png", png())], limits=SMALL)
        opened.append(session.open(session.inputs[0], limits=SMALL))
    again = [one.open(one.inputs[0], limits=SMALL) for one in reversed(sessions)]
    assert again[0] is opened[2]
    assert again[1] is opened[1]
    assert again[2] is not opened[0]


def test_what_was_opened_is_gone_with_its_session() -> None:
    before = len(module._OPENED)
    session = Session()
    session.take([upload("a.png", png())], limits=SMALL)
    session.open(session.inputs[0], limits=SMALL)
    assert len(module._OPENED) == before + 1
    del session
    gc.collect()
    assert len(module._OPENED) == before


def test_a_lone_scan_may_be_larger_than_the_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_OPEN_VOXELS", 1)
    session = Session()
    session.take([upload("a.png", png())], limits=SMALL)
    scan = session.open(session.inputs[0], limits=SMALL)
    assert session.open(session.inputs[0], limits=SMALL) is scan


def test_what_is_taken_away_is_forgotten(session: Session, model: Model) -> None:
    one = session.inputs[0]
    session.answer(one, model=model, limits=SMALL)
    session.take([], limits=SMALL)
    assert session.inputs == ()
    assert not session._outcomes
    assert session not in module._OPENED


def test_a_volume_is_outlined_as_by_the_library(volume: Volume, outlining: Model) -> None:
    session = Session()
    session.take([upload("v.nii", nifti(volume))], limits=SMALL)
    (one,) = session.inputs
    answer = session.answer(one, model=outlining, limits=SMALL)
    scan = session.open(one, limits=SMALL)
    assert isinstance(answer, VolumePrediction)
    assert isinstance(scan, Volume)
    found = session.outline(scan, answer)
    assert found.to_json() == outline_volume(scan, answer).to_json()
    assert session.outline(scan, answer) is found


def test_a_model_that_does_not_outline_says_so(volume: Volume, model: Model) -> None:
    session = Session()
    session.take([upload("v.nii", nifti(volume))], limits=SMALL)
    (one,) = session.inputs
    answer = session.answer(one, model=model, limits=SMALL)
    assert isinstance(answer, VolumePrediction)
    with pytest.raises(ConfigError):
        session.outline(volume, answer)
