import numpy as np

from tumorlens.volume_outlining.regions import to_labels, to_regions


def test_labels_and_regions_say_the_same() -> None:
    labels = np.random.default_rng(0).choice([0, 1, 2, 4], (4, 5, 6)).astype(np.uint8)
    for order in (("WT", "TC", "ET"), ("TC", "WT", "ET")):
        np.testing.assert_array_equal(to_labels(to_regions(labels, order), order), labels)
    whole, core, enhancing = to_regions(labels, ("WT", "TC", "ET"))
    assert not (enhancing & ~core).any()
    assert not (core & ~whole).any()


def test_what_is_core_is_tumor() -> None:
    regions = np.array([[False, True], [True, True], [False, True]])
    np.testing.assert_array_equal(to_labels(regions, ("WT", "TC", "ET")), [1, 4])
