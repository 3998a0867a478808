import numpy as np
import torch
from torch import nn

from tumorlens.lab.resampling import fill_up, retrain_linear

RNG = np.random.default_rng(0)


def clouds(counts: dict[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings around one place a class."""
    targets = np.repeat(list(counts), list(counts.values()))
    places = RNG.normal(0, 3, (max(counts) + 1, 8))
    found = places[targets] + RNG.normal(0, 1, (len(targets), 8))
    return found.astype(np.float32), targets


def test_every_class_is_filled_up_between_its_own_neighbours() -> None:
    embeddings, targets = clouds({0: 30, 1: 4, 2: 12})
    filled, labels = fill_up(embeddings, targets, seed=0)
    assert np.bincount(labels).tolist() == [30, 30, 30]
    np.testing.assert_array_equal(filled[: len(targets)], embeddings)
    own = embeddings[targets == 1]
    made = filled[len(targets) :][labels[len(targets) :] == 1]
    assert (made >= own.min(axis=0) - 1e-5).all()
    assert (made <= own.max(axis=0) + 1e-5).all()


def test_a_class_of_one_stays_alone() -> None:
    embeddings, targets = clouds({0: 9, 1: 1, 2: 5})
    assert np.bincount(fill_up(embeddings, targets, seed=0)[1]).tolist() == [9, 1, 9]


def test_the_linear_layer_learns_the_embeddings() -> None:
    embeddings, targets = clouds({0: 20, 1: 20, 2: 20})
    torch.manual_seed(0)
    linear = nn.Linear(8, 3)

    def right() -> float:
        answers = linear(torch.from_numpy(embeddings)).detach().argmax(1).numpy()
        return float((answers == targets).mean())

    before = right()
    retrain_linear(linear, embeddings, targets)
    assert right() > max(before, 0.95)


def test_where_no_class_has_two_nothing_is_filled_up() -> None:
    embeddings, targets = clouds({0: 1, 1: 1})
    filled, labels = fill_up(embeddings, targets, seed=0)
    np.testing.assert_array_equal(filled, embeddings)
    np.testing.assert_array_equal(labels, targets)
