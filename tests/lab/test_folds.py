import numpy as np

from tumorlens.lab.folds import FOLDS, group_folds


def test_no_group_is_on_both_sides_and_every_picture_is_left_out_once() -> None:
    random = np.random.default_rng(0)
    numbers = random.integers(0, 40, 300)
    targets, groups = numbers % 3, [f"patient {number}" for number in numbers]
    seen = np.zeros(300, int)
    folds = list(group_folds(targets, groups))
    assert len(folds) == FOLDS
    for rest, fold in folds:
        assert not {groups[i] for i in rest} & {groups[i] for i in fold}
        seen[fold] += 1
    assert (seen == 1).all()


def test_few_groups_give_fewer_folds_and_one_gives_none() -> None:
    targets = np.array([0, 0, 1, 1, 1])
    assert len(list(group_folds(targets, list("abcde")))) == 2
    assert not list(group_folds(targets, list("aabcd")))
    assert not list(group_folds(np.zeros(0, int), []))
