import numpy as np
import pytest

from tumorlens.lab.audit import candidates
from tumorlens.lab.audit.appearance import describe
from tumorlens.lab.audit.candidates import MIN_HITS, find_candidates

from .made_pictures import ALTERATIONS, draw


@pytest.mark.parametrize("few", [20_000, 1000])
def test_copies_are_found_among_many(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exact search, and that by lists."""
    monkeypatch.setattr(candidates, "_FEW", few)
    monkeypatch.setattr(candidates, "_LISTS_SEARCHED", 8)
    originals = [draw(seed) for seed in range(20)]
    copies = [ALTERATIONS["all"](picture) for picture in originals[:10]]
    looks = [describe(np.asarray(picture, np.float32)) for picture in originals + copies]
    calls: list[tuple[int, int]] = []
    found = find_candidates(looks, progress=lambda *each: calls.append(each))
    pairs = {(one.first, one.second): one for one in found}
    assert {(index, 20 + index) for index in range(10)} <= set(pairs)
    assert all(pairs[index, 20 + index].mirrored for index in range(10))
    assert all(one.first < one.second and one.hits >= MIN_HITS for one in found)
    assert len(pairs) == len(found)
    copies_hits = [pairs[index, 20 + index].hits for index in range(10)]
    strangers = [one.hits for one in found if one.second != one.first + 20]
    assert min(copies_hits) > 2 * max(strangers)
    assert calls[-1] == (30, 30)


def test_no_pictures_and_no_points_give_no_candidates() -> None:
    blank = describe(np.zeros((64, 64), np.float32))
    assert find_candidates([]) == []
    assert find_candidates([blank, blank]) == []
    drawn = describe(np.asarray(draw(0), np.float32))
    assert [(c.first, c.second) for c in find_candidates([blank, drawn, drawn])] == [(1, 2)]
