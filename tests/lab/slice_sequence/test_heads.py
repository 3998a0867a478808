import numpy as np
import pytest

from tests.conftest import CHANNELS
from tests.lab.slice_sequence.made import SLICES, write_heads
from tumorlens.lab.config import AugmentationConfig
from tumorlens.lab.datasets import load_examples
from tumorlens.lab.pictures import Pictures, load_pictures
from tumorlens.lab.slice_sequence.heads import change_alike, embed_heads, find_heads
from tumorlens.model import Model


@pytest.fixture(scope="module")
def pictures(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    root = write_heads(tmp_path_factory.mktemp("data"), patients=2)
    return load_pictures(load_examples(root / "slices"), model.card.preparation)


def test_a_head_is_one_patient_in_one_sequence_in_order(pictures: Pictures) -> None:
    heads = find_heads(pictures.examples)
    assert len(heads) == 4
    for indices in heads:
        names = [pictures.examples[index].path.name for index in indices]
        assert names == sorted(names)
        assert len({pictures.examples[index].sequence for index in indices}) == 1
        assert len(indices) == SLICES


def test_heads_as_they_are_and_augmented(model: Model, pictures: Pictures) -> None:
    told: list[tuple[int, int]] = []
    heads = embed_heads(model, pictures, views=1, progress=lambda *at: told.append(at))
    assert told[-1] == (4 * SLICES * 2, 4 * SLICES * 2)
    for head, indices in zip(heads, find_heads(pictures.examples), strict=True):
        assert head.embeddings.shape == (2, SLICES, CHANNELS)
        pixels = pictures.pixels[indices, np.newaxis].astype(np.float32) / np.float32(255)
        np.testing.assert_allclose(head.embeddings[0], model.run(pixels).embedding, atol=1e-5)
        assert not np.allclose(head.embeddings[0], head.embeddings[1])
        assert head.has_tumor.tolist() == [3 <= number <= 5 for number in range(SLICES)]
    again = embed_heads(model, pictures, views=1)
    np.testing.assert_array_equal(heads[2].embeddings, again[2].embeddings)


def test_all_slices_of_a_head_are_changed_alike() -> None:
    picture = np.random.default_rng(0).random((32, 32), np.float32)
    changed = change_alike(np.stack([picture] * 3), AugmentationConfig(), 5)
    np.testing.assert_array_equal(changed[0], changed[2])
    assert not np.allclose(changed[0], picture)
