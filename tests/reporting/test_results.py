from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import head, write_picture
from tumorlens.errors import ScanError, ScanFormatError, ScanMissingError
from tumorlens.model import Model
from tumorlens.prediction import VolumePrediction, predict
from tumorlens.reading import Source, find_sources, read_source
from tumorlens.reporting import results
from tumorlens.reporting.results import answer_all
from tumorlens.scan import Volume


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
        assert result[1].probabilities == alone.probabilities


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
    assert len(read) <= results.BATCH * (model.passes + 1) + model.passes


def test_large_slices_do_not_wait_for_each_other(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "BATCH_PIXELS", 100)
    sources = iter(find_sources(_pictures(tmp_path, 12)).sources)
    next(answer_all(sources, model=model))
    assert len(list(sources)) >= 12 - 1 - 2 * model.passes


def test_large_files_are_read_when_their_turn_comes(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "SMALL_BYTES", 0)
    begun: list[str] = []

    def watched(source: Source) -> object:
        begun.append(source.name)
        return read_source(source)

    monkeypatch.setattr(results, "read_source", watched)
    paths = _pictures(tmp_path, 3 * results.BATCH)
    answered = answer_all(find_sources(paths).sources, model=model)
    next(answered)
    before = len(begun)
    rest = list(answered)
    assert len(rest) == len(paths) - 1
    assert before <= results.BATCH * (model.passes + 1)
    assert begun == [str(path) for path in paths]


def test_a_volume_among_pictures_keeps_its_place(
    model: Model, tmp_path: Path, volume: Volume
) -> None:
    pages = [Image.fromarray(slice_.astype(np.uint8)) for slice_ in volume.voxels]
    stack = tmp_path / "stack.tif"
    pages[0].save(stack, save_all=True, append_images=pages[1:])
    paths = _pictures(tmp_path, 5)
    order = [*paths[:2], stack, *paths[2:]]
    answered = list(answer_all(find_sources(order).sources, model=model))
    assert [result[1].source for result in answered if isinstance(result, tuple)] == [
        str(path) for path in order
    ]
    assert isinstance(answered[2], tuple)
    assert isinstance(answered[2][1], VolumePrediction)
