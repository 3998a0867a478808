from pathlib import Path

import pytest

from tests.conftest import head, write_picture
from tumorlens.errors import ScanError, ScanFormatError, ScanMissingError
from tumorlens.model import Model
from tumorlens.prediction import predict
from tumorlens.reading import Source, find_sources
from tumorlens.reporting import results
from tumorlens.reporting.results import answer_all


def _pictures(folder: Path, count: int) -> list[Path]:
    return [
        write_picture(folder / f"{number}.png", head(blob=8.0 * number)) for number in range(count)
    ]


def test_each_input_is_answered_as_alone_and_in_order(model: Model, tmp_path: Path) -> None:
    paths = _pictures(tmp_path, 19)
    answered = list(answer_all(find_sources(paths).sources, model=model))
    for path, result in zip(paths, answered, strict=True):
        assert not isinstance(result, ScanError)
        alone = predict(path, model=model)
        assert result[0].source == result[1].source == str(path)
        assert result[1].probabilities == pytest.approx(alone.probabilities, rel=1e-4)


def test_refused_inputs_keep_their_place(model: Model, tmp_path: Path) -> None:
    first, second = _pictures(tmp_path, 2)
    bad = tmp_path / "bad.jpg"
    bad.write_text("no picture")
    paths = [first, bad, second, tmp_path / "absent.png"]
    answered = list(answer_all(find_sources(paths).sources, model=model))
    kinds = [type(result) for result in answered]
    assert kinds == [tuple, ScanFormatError, tuple, ScanMissingError]
    assert [r.source for r in answered if isinstance(r, ScanError)] == [str(bad), str(paths[3])]


def test_nothing_to_answer(model: Model) -> None:
    assert list(answer_all([], model=model)) == []


def test_answers_come_while_inputs_still_do(model: Model, tmp_path: Path) -> None:
    read: list[Source] = []

    def endless() -> object:
        for source in find_sources(_pictures(tmp_path, 3)).sources * 100:
            read.append(source)
            yield source

    next(answer_all(endless(), model=model))  # type: ignore[arg-type]
    assert len(read) <= results.BATCH


def test_large_slices_do_not_wait_for_each_other(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "BATCH_PIXELS", 100)
    sources = iter(find_sources(_pictures(tmp_path, 3)).sources)
    next(answer_all(sources, model=model))
    assert len(list(sources)) == 2
