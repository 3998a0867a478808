from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from tests.made_heads import draw_head
from tumorlens.errors import DataError
from tumorlens.gate import CHECKS, GRAY
from tumorlens.lab.datasets import Example
from tumorlens.lab.gate import (
    TOMOGRAMS,
    describe,
    fit_gate,
    load_brains,
    load_others,
    whole_kinds,
)
from tumorlens.lab.gate.description import Described
from tumorlens.lab.gate.fitting import (
    LOST,
    discriminant,
    fit_checks,
    fit_limits,
    fit_log_odds,
    is_refused,
    numbers_of,
)
from tumorlens.lab.gate.measuring import (
    is_of,
    judge_unseen,
    limits_of,
    refused_parts,
)
from tumorlens.lab.gate.space import fit_space
from tumorlens.lab.gate.unlike import ALTERED, UNLIKE
from tumorlens.model import Model
from tumorlens.preparation import Preparation, prepare
from tumorlens.scan import Scan

CHANNELS, FIGURES = 12, GRAY + 8


def _described(count: int, *, seed: int, shift: float = 0.0, kind: str = "made") -> Described:
    """Embeddings that vary mostly along two axes; ``shift`` leads off these."""
    random = np.random.default_rng(seed)
    embedding = 1 + 0.01 * random.normal(size=(count, CHANNELS))
    embedding[:, :2] += 0.2 * random.normal(size=(count, 2))
    embedding[:, -1] += shift
    figures = random.normal(size=(count, FIGURES))
    return Described(
        np.zeros((count, 2), np.float32),
        embedding.astype(np.float32),
        figures.astype(np.float32),
        np.full(count, kind),
    )


def test_what_lies_off_the_training_scans_is_refused_and_fresh_scans_are_not() -> None:
    brains, other = _described(400, seed=0), _described(100, seed=1, shift=0.3)
    held = _described(400, seed=2)
    space = fit_space(brains)
    checks = fit_checks(space.place(brains), space.place(other))
    limits = fit_limits(checks.values(space.place(held)), held.kinds)

    def refused(described: Described) -> np.ndarray:
        return is_refused(checks.values(space.place(described)), limits)

    assert refused(_described(400, seed=3)).mean() < sum(LOST.values()) + 0.02
    assert refused(_described(100, seed=4, shift=0.3)).all()
    assert refused(_described(100, seed=5, shift=-0.3)).all()  # of no kind that was fitted


def test_the_runtime_measures_what_was_fitted() -> None:
    brains, other = _described(300, seed=0), _described(80, seed=1, shift=0.1)
    space = fit_space(brains)
    checks = fit_checks(space.place(brains), space.place(other))
    fresh = _described(50, seed=2, shift=0.05)
    found = numbers_of(space, checks).measure(fresh.embedding, fresh.figures)
    values = checks.values(space.place(fresh))
    for column, check in enumerate(CHECKS):
        np.testing.assert_allclose(found[check], values[:, column], rtol=2e-3, atol=2e-3)


def test_a_fit_from_a_near_one_ends_where_one_from_nothing_does() -> None:
    random = np.random.default_rng(0)
    inputs = random.normal(size=(400, 6)).astype(np.float32)
    truth = (inputs[:, 0] + random.normal(0, 0.5, 400) > 0).astype(np.intp)
    weights = np.ones(400)
    first = fit_log_odds(inputs, truth, weights, start=None)
    near = fit_log_odds(inputs[:380], truth[:380], weights[:380], start=first)
    again = fit_log_odds(inputs[:380], truth[:380], weights[:380], start=None)
    np.testing.assert_allclose(near, again, atol=1e-3)
    assert first[0] > 5 * np.abs(first[1:6]).max()


def test_each_limit_loses_what_it_may_and_counts_data_sets_alike() -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(4000, len(CHECKS)))
    limits = fit_limits(values, np.full(4000, "one"))
    for column, check in enumerate(CHECKS):
        lost = (values[:, column] > limits[check]).mean()
        assert lost == pytest.approx(LOST[check], abs=3e-4)
    strange = random.normal(size=(400, len(CHECKS))) + 3
    kinds = np.repeat(["one", "two"], [4000, 400])
    limits = fit_limits(np.concatenate([values, strange]), kinds)
    for column, check in enumerate(CHECKS):
        parts = [(part[:, column] > limits[check]).mean() for part in (values, strange)]
        assert np.mean(parts) == pytest.approx(LOST[check], abs=0.004)


def test_limits_come_from_data_sets_left_out() -> None:
    parts = [
        _described(200, seed=10 + n, shift=shift, kind=name)
        for n, (name, shift) in enumerate({"a": 0.0, "b": 0.05, "c": -0.05}.items())
    ]
    brains = _joined(parts)
    held = _joined([_described(100, seed=20, kind="a"), _described(100, seed=21, kind="b")])
    other = _joined(
        [_described(50, seed=30, shift=0.4, kind="x"), _described(50, seed=31, kind="y")]
    )
    unseen = judge_unseen(brains, other, held, ["x"])
    assert {name: len(values) for name, values in unseen.values.items()} == {
        "a": 100, "b": 100, "c": 200,
    }  # fmt: skip
    assert set(unseen.without["x"]) == set(unseen.lost) == {"a", "b", "c"}
    space = fit_space(brains)
    checks = fit_checks(space.place(brains), space.place(other))
    known = fit_limits(checks.values(space.place(held)), held.kinds)
    assert limits_of(unseen.values)["likeness"] > known["likeness"]
    alone = brains.part(brains.kinds == "a")
    assert not judge_unseen(alone, other, held, ["x"]).values


def _joined(parts: list[Described]) -> Described:
    return Described(
        np.concatenate([part.logits for part in parts]),
        np.concatenate([part.embedding for part in parts]),
        np.concatenate([part.figures for part in parts]),
        np.concatenate([part.kinds for part in parts]),
    )


def test_the_discriminant_is_0_here_and_1_there() -> None:
    random = np.random.default_rng(0)
    here, there = random.normal(size=(500, 3)), random.normal((2, 0, 0), 1, (500, 3))
    found = discriminant(here, there, 0.05)
    assert here.mean(axis=0) @ found[:-1] + found[-1] == pytest.approx(0, abs=1e-9)
    assert there.mean(axis=0) @ found[:-1] + found[-1] == pytest.approx(1)
    assert found[0] > 5 * np.abs(found[1:3]).max()


def _examples(count: int, dataset: str, seed: int) -> tuple[list[Example], np.ndarray]:
    examples, pixels = [], []
    for index in range(count):
        label = ("glioma", "no_tumor")[index % 2]
        name = f"{dataset}/{seed}-{index}.png"
        examples.append(Example(Path(name), name, label, name, None, dataset))
        head = draw_head(label, seed=1000 * seed + index).astype(np.float32)
        pixels.append(np.rint(prepare(Scan(head, ""), Preparation(size=64)).pixels * 255))
    return examples, np.stack(pixels).astype(np.uint8)


def test_a_gate_of_a_model_is_fitted_and_measured(model: Model) -> None:
    first, second = _examples(30, "one", 1), _examples(30, "two", 2)
    training = first[0] + second[0], np.concatenate([first[1], second[1]])
    third, fourth = _examples(30, "one", 3), _examples(30, "two", 4)
    validation = third[0] + fourth[0], np.concatenate([third[1], fourth[1]])
    white = np.full((10, 64, 64), 255, np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, (10, 64, 64)).astype(np.uint8)
    described = describe(model, validation[1], [one.dataset for one in validation[0]])
    fitted = fit_gate(
        model,
        *training,
        validation[0],
        described,
        tomograms=np.zeros(60, bool),
        others={"white": white, "noise": noise},
        more={"far": _examples(20, "far", 5)[1]},
    )
    assert set(fitted.limits) == set(CHECKS)
    measured = fitted.measured
    assert set(measured["refused"]) == {"all", "white", "noise"}
    assert measured["refused"]["white"] == 1
    assert set(measured["lost"]) == {"all", "one", "two"}
    assert set(measured["lost_without_the_data_set"]) == {"all", "far", "one", "two"}
    assert measured["lost"]["all"] <= 0.2
    assert measured["pictures"]["others"] == 20
    assert measured["pictures"]["made_up"] == 60 * len(UNLIKE)
    assert measured["pictures"]["brain"] == 60 + 20 + len(ALTERED) * (4 + 4 + 3)


def test_what_is_known_of_a_kind_from_elsewhere_is_left_out_with_it() -> None:
    brains = _joined([_described(200, seed=n, kind=name) for n, name in enumerate("ab")])
    held = _joined([_described(100, seed=10 + n, kind=name) for n, name in enumerate("ab")])
    other = _joined(
        [
            _described(40, seed=20, shift=-0.4, kind="made_up"),
            _described(40, seed=21, shift=0.065, kind="chart"),
            _described(300, seed=22, shift=0.065, kind="chart.other"),
        ]
    )
    space = fit_space(brains)
    known, unlike, shown = (space.place(part) for part in (brains, other, held))
    unseen = judge_unseen(brains, other, held, ["chart"])
    found = refused_parts(known, unlike, shown, unseen, ["chart"])
    limits = limits_of(unseen.values)
    alike = fit_checks(known, unlike.part(unlike.kinds != "chart"))
    values = alike.values(unlike.part(unlike.kinds == "chart"))
    assert is_refused(values, limits).mean() > found["chart"] + 0.05
    assert is_of(other.kinds, "chart").sum() == 340


def test_kinds_that_are_more_of_another_are_not_measured() -> None:
    others = {"natural": 1, "natural.objects": 2, "ct.v2": 3}
    assert whole_kinds(others) == ["ct.v2", "natural"]


def test_tomograms_among_the_scans_are_refused_and_none_is_counted_as_lost(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    training, pixels = _examples(40, "one", 1)
    pixels[::4] = 255 - pixels[::4]
    is_ct = np.arange(40) % 4 == 0
    monkeypatch.setattr("tumorlens.lab.gate.are_tomograms", lambda _: is_ct)
    held, shown = _examples(40, "one", 2)
    shown[::4] = 255 - shown[::4]
    described = describe(model, shown, ["one"] * 40)
    measured = fit_gate(model, training, pixels, held, described, tomograms=is_ct).measured
    assert measured["fitted_on"] == {TOMOGRAMS: 10}
    assert measured["pictures"]["limits"] == 30
    assert measured["refused_tomograms_of_validation"]["all"] >= 0.8
    assert measured["lost"]["all"] <= 0.1


def test_a_gate_without_pictures_of_others_says_so(model: Model) -> None:
    examples, pixels = _examples(20, "one", 1)
    described = describe(model, pixels, ["one"] * 20)
    measured = fit_gate(
        model, examples, pixels, examples, described, tomograms=np.zeros(20, bool)
    ).measured
    assert "not known" in measured["note"]
    assert "refused" not in measured


def test_a_gate_needs_training_pictures(model: Model) -> None:
    examples, pixels = _examples(2, "one", 1)
    with pytest.raises(DataError, match="two training pictures"):
        fit_gate(
            model,
            [],
            pixels[:0],
            examples,
            describe(model, pixels, ["one", "one"]),
            tomograms=np.zeros(2, bool),
        )


def test_others_are_read_by_kind(tmp_path: Path) -> None:
    for kind in ("chart", "knee"):
        (tmp_path / kind).mkdir()
        Image.fromarray(np.eye(40, dtype=np.uint8) * 255).save(tmp_path / kind / "1.png")
    (tmp_path / "empty").mkdir()
    found = load_others(tmp_path, Preparation(size=32))
    assert {kind: pixels.shape for kind, pixels in found.items()} == {
        "chart": (1, 32, 32), "knee": (1, 32, 32),
    }  # fmt: skip


def test_further_brain_scans_are_cut_in_three_planes_without_masks(tmp_path: Path) -> None:
    voxels = np.zeros((20, 20, 61), np.float32)
    voxels[2:18, 2:18, 1:] = 100
    for name in ("t1.nii", "t1_mask.nii"):
        nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), tmp_path / name)
    Image.fromarray(np.eye(40, dtype=np.uint8) * 255).save(tmp_path / "one.png")
    found = load_brains(tmp_path, Preparation(size=32))
    # Every second of 60 axial slices that are not empty, 16 of the other planes each.
    assert found.shape == (1 + 30 + 16 + 16, 32, 32)
    nibabel.save(nibabel.Nifti1Image(voxels[..., :11], np.eye(4)), tmp_path / "t1.nii")
    assert len(load_brains(tmp_path, Preparation(size=32))) == 1 + 10  # of a slab, axial ones only
    flat = np.diag((1.0, 1.0, 5.0, 1.0))
    nibabel.save(nibabel.Nifti1Image(voxels, flat), tmp_path / "t1.nii")
    assert len(load_brains(tmp_path, Preparation(size=32))) == 1 + 30


def test_no_others_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="each kind"):
        load_others(tmp_path, Preparation())
