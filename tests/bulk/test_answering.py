import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow")

import pyarrow.parquet as pq

from tests.conftest import head, write_picture
from tests.made_cases import made_flair
from tumorlens.bulk.answering import CARELESS_DEATHS, DEATHS, Answerer, Done, ModelChoice
from tumorlens.bulk.chunks import Chunk
from tumorlens.bulk.folder import ANSWERS, REFUSED, BulkFolder, open_folder
from tumorlens.errors import MissingExtraError, ModelCorruptError
from tumorlens.model import Model
from tumorlens.prediction import VolumePrediction, predict
from tumorlens.reading import find_sources
from tumorlens.reporting import results
from tumorlens.scan import Volume


@pytest.fixture
def folder(model: Model, tmp_path: Path) -> BulkFolder:
    return open_folder(tmp_path / "out", model.card)


@pytest.fixture
def answerer(folder: BulkFolder, model: Model, model_folder: Path) -> Answerer:
    return Answerer(folder, ModelChoice(model_folder), digest=model.card.digest)


def _chunk(folder: Path, count: int) -> Chunk:
    paths = [write_picture(folder / f"{n}.png", head(blob=9.0 * n)) for n in range(count)]
    return Chunk.of(find_sources(paths).sources)


def _table(folder: BulkFolder, table: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(folder.place / table).to_pylist()
    return rows


def test_rows_say_what_predict_says(
    answerer: Answerer, folder: BulkFolder, model: Model, tmp_path: Path
) -> None:
    (tmp_path / "bad.jpg").write_text("no picture")
    chunk = _chunk(tmp_path, 11)
    chunk = Chunk.of([*chunk.sources[:3], *find_sources(tmp_path / "bad.jpg").sources,
                      *chunk.sources[3:]])  # fmt: skip
    assert answerer.answer(chunk) == Done(11, 1)
    for number, row in enumerate(_table(folder, ANSWERS)):
        answer = predict(tmp_path / f"{number}.png", model=model)
        assert row["source"] == str(tmp_path / f"{number}.png")
        assert row["label"] == answer.label
        for name, value in answer.probabilities.items():
            assert row[f"probability_{name}"] == pytest.approx(value, rel=1e-4)
        assert row["model_sha256"] == model.card.sha256
        assert (row["slices"], row["suspicious"], row["accepted"]) == (None, None, True)
        assert row["skull_strip"] is None
    (refused,) = _table(folder, REFUSED)
    assert refused["error"] == "ScanFormatError"
    assert refused["source"] == str(tmp_path / "bad.jpg")
    assert refused["found"] == "a text file"
    assert all(refused.values())
    assert list(folder.aside.iterdir()) == []


def test_volumes_have_their_slices(
    folder: BulkFolder,
    answerer: Answerer,
    volume: Volume,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(results, "read_source", lambda _: volume)
    answerer.answer(_chunk(tmp_path, 1))
    model = answerer._model
    (row,) = _table(folder, ANSWERS)
    answer = predict(volume, model=model)
    assert isinstance(answer, VolumePrediction)
    assert row["suspicious"] == list(answer.suspicious)
    assert [one["index"] for one in row["slices"]] == [one.index for one in answer.slices]
    found = [one["probability_glioma"] for one in row["slices"]]
    wanted = [one.answer.probabilities["glioma"] for one in answer.slices]
    np.testing.assert_allclose(found, wanted, rtol=1e-4)


def test_outlines_are_in_the_row(outlining: Model, outlining_folder: Path, tmp_path: Path) -> None:
    folder = open_folder(tmp_path / "out", outlining.card)
    worker = Answerer(folder, ModelChoice(outlining_folder), digest=outlining.card.digest)
    worker.answer(_chunk(tmp_path, 16))
    assert all(row["outline"]["area_percent"] is not None for row in _table(folder, ANSWERS))


def test_who_outlined_a_volume_is_in_the_row(
    bundled: Path, outlining: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "read_source", lambda _: made_flair()[0])
    folder = open_folder(tmp_path / "out", outlining.card)
    Answerer(folder, ModelChoice(bundled), digest=outlining.card.digest).answer(_chunk(tmp_path, 1))
    (row,) = _table(folder, ANSWERS)
    assert row["outline"]["outlined_by"]["name"] == "tiny flair"
    assert row["outline"]["volume_ml"] > 0
    assert row["outline"]["notes"] == []


def test_answering_again_gives_the_same_part(
    answerer: Answerer, folder: BulkFolder, tmp_path: Path
) -> None:
    chunk = _chunk(tmp_path, 5)
    answerer.answer(chunk)
    (part,) = (folder.place / ANSWERS).iterdir()
    before = part.read_bytes()
    answerer.answer(chunk)
    assert [path.read_bytes() for path in (folder.place / ANSWERS).iterdir()] == [before]


def test_a_bug_about_one_file_refuses_that_file_only(
    answerer: Answerer, folder: BulkFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = results.read_source

    def breaks(source: Any) -> Any:
        if source.name.endswith("/4.png"):
            raise ZeroDivisionError("four")
        return read(source)

    monkeypatch.setattr(results, "read_source", breaks)
    assert answerer.answer(_chunk(tmp_path, 30)) == Done(29, 1)
    (refused,) = _table(folder, REFUSED)
    assert (refused["error"], refused["code"]) == ("ZeroDivisionError", "unexpected")
    assert "four" in refused["found"]
    assert len(_table(folder, ANSWERS)) == 29


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_file_that_kills_its_workers_is_refused_in_the_end(
    folder: BulkFolder,
    model: Model,
    model_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = results.read_source

    def kills(source: Any) -> Any:
        if source.name.endswith("/4.png"):
            os._exit(9)
        return read(source)

    monkeypatch.setattr(results, "read_source", kills)
    chunk = _chunk(tmp_path, 10)
    deaths = 0
    while not (child := os.fork()) or os.waitpid(child, 0)[1]:
        if not child:
            Answerer(folder, ModelChoice(model_folder), digest=model.card.digest).answer(chunk)
            os._exit(0)
        deaths += 1
        assert deaths <= CARELESS_DEATHS + DEATHS
    assert deaths == CARELESS_DEATHS + DEATHS
    (refused,) = _table(folder, REFUSED)
    assert (refused["source"], refused["error"]) == (str(tmp_path / "4.png"), "WorkerDied")
    assert len(_table(folder, ANSWERS)) == 9


def test_another_model_on_a_worker_is_refused(
    folder: BulkFolder, model_folder: Path, tmp_path: Path
) -> None:
    worker = Answerer(folder, ModelChoice(model_folder), digest="00" * 32)
    with pytest.raises(ModelCorruptError, match="on every machine"):
        worker.answer(_chunk(tmp_path, 1))


def test_skulls_are_stripped_as_asked(model: Model, model_folder: Path, tmp_path: Path) -> None:
    choice = ModelChoice(model_folder, skull_strip="radial")
    stripping = choice.load()
    folder = open_folder(tmp_path / "out", stripping.card)
    chunk = _chunk(tmp_path, 3)
    assert Answerer(folder, choice, digest=stripping.card.digest).answer(chunk) == Done(3, 0)
    for number, row in enumerate(_table(folder, ANSWERS)):
        answers = [predict(tmp_path / f"{number}.png", model=one) for one in (stripping, model)]
        found = [answer.probabilities["glioma"] for answer in answers]
        assert row["probability_glioma"] == pytest.approx(found[0], rel=1e-4) != found[1]
        assert row["skull_strip"] == "radial"


def test_what_is_not_installed_ends_the_run(
    answerer: Answerer, folder: BulkFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(_: object) -> None:
        raise MissingExtraError(expected="a part", found="none", remedy="Install it.")

    monkeypatch.setattr(results, "read_source", absent)
    with pytest.raises(MissingExtraError):
        answerer.answer(_chunk(tmp_path, 3))
    assert folder.done() == set()
