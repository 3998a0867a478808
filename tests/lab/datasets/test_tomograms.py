import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.made_heads import draw_head
from tumorlens.lab.datasets import load_examples
from tumorlens.lab.datasets.tomograms import are_tomograms, known_tomograms, looks_of
from tumorlens.lab.pictures import load_pictures
from tumorlens.preparation import Preparation

DATA = Path(__file__).parents[4] / "shared" / "data"


def _encoded_again(picture: np.ndarray, side: int, quality: int) -> np.ndarray:
    coded = io.BytesIO()
    Image.fromarray(picture).resize((side, side)).save(coded, "JPEG", quality=quality)
    return np.asarray(Image.open(coded).resize(picture.shape[::-1]))


def test_copies_are_known_and_others_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    heads = [draw_head("no_tumor", seed=seed) for seed in range(6)]
    known = np.stack([looks_of(head) for head in heads[:2]])
    monkeypatch.setattr("tumorlens.lab.datasets.tomograms.known_tomograms", lambda: known)
    copies = [_encoded_again(head, side, 60) for head in heads[:2] for side in (48, 128)]
    shown = np.stack([heads[1], *copies, 255 - heads[0], heads[0][:, ::-1]])
    assert are_tomograms(shown).tolist() == [True] * 5 + [False] * 2
    assert are_tomograms(shown[:0]).tolist() == []


def test_the_list_is_of_different_pictures() -> None:
    known = known_tomograms()
    assert known.shape == (90, 256)
    assert known.dtype == bool


@pytest.mark.skipif(
    not (DATA / "br35h").is_dir(), reason="the real pictures of ../shared/data are absent"
)
def test_tomograms_stand_in_a_set_of_mri() -> None:
    examples = [
        one
        for one in load_examples(DATA, only=["br35h"])
        if one.picture.startswith("br35h/no/no38")
    ]
    pictures = load_pictures(examples, Preparation(size=224))
    found = are_tomograms(np.asarray(pictures.pixels))
    listed = {one.picture for one, is_ct in zip(pictures.examples, found, strict=True) if is_ct}
    assert "br35h/no/no3874.jpg" in listed
    assert len(listed) < 10
