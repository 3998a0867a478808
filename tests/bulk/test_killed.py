"""A bulk run that is killed at any of its steps on the disk, and started again (without Ray)."""

import os
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyarrow")

import pyarrow.parquet as pq

from tests.conftest import head, write_picture
from tests.dying import PATH_STEPS, dies_at
from tumorlens.bulk.answering import Answerer, ModelChoice
from tumorlens.bulk.chunks import cut, source_id
from tumorlens.bulk.folder import ANSWERS, REFUSED, clear_aside, open_folder
from tumorlens.model import Model
from tumorlens.reading import find_sources
from tumorlens.reporting.folder import PARTIAL

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]

STEPS = (*PATH_STEPS, (pq, "write_table"))
"""What a run does to the disk."""


def _run(scans: Path, place: Path, model_folder: Path) -> None:
    """What `tumorlens.bulk.run.answer_archive` does, in this process."""
    choice = ModelChoice(model_folder)
    card = choice.load().card
    folder = open_folder(place, card)
    earlier = folder.done()
    left = [one for one in find_sources(scans).sources if source_id(one) not in earlier]
    for chunk in cut(left, workers=1):
        Answerer(folder, choice, digest=card.digest).answer(chunk)
    clear_aside(folder)


def _rows(place: Path) -> list[dict[str, Any]]:
    rows = [row for table in (ANSWERS, REFUSED) for row in pq.read_table(place / table).to_pylist()]
    return sorted(rows, key=lambda row: row["source"])


def test_killed_at_any_step_and_started_again_gives_the_same(
    model: Model, model_folder: Path, tmp_path: Path
) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    for number in range(6):
        write_picture(scans / f"{number}.png", head(blob=20.0 * number))
    (scans / "bad.jpg").write_text("no picture")
    _run(scans, tmp_path / "unbroken", model_folder)
    unbroken = _rows(tmp_path / "unbroken")
    assert len(unbroken) == 7
    for step in count():
        place = tmp_path / f"killed {step}"
        if not dies_at(step, partial(_run, scans, place, model_folder), STEPS):
            break
        # And a second time at the same step of what is left.
        dies_at(step, partial(_run, scans, place, model_folder), STEPS)
        _run(scans, place, model_folder)
        assert _rows(place) == unbroken
        assert not (place / PARTIAL).exists()
    assert step > 20
