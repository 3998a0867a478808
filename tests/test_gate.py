import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import CHANNELS, write_tiny_model
from tests.made_gates import FIGURES, gate_that_limits, made_numbers
from tumorlens.card import read_card, write_card
from tumorlens.errors import ModelCorruptError, ModelMissingError
from tumorlens.gate import (
    CHECKS,
    GATE_FILE,
    GRAY,
    GateCard,
    picture_figures,
    read_gate,
    write_gate,
)
from tumorlens.model import load_model
from tumorlens.prediction import predict

DATA = Path(__file__).parents[2] / "shared" / "data"
EXAMPLES = Path(__file__).parents[1] / "examples"
LIMITS = dict.fromkeys(CHECKS, 1.0)


def test_a_written_gate_reads_back_the_same(tmp_path: Path) -> None:
    numbers = made_numbers(5)
    sha256 = write_gate(tmp_path, numbers)
    assert sha256 == hashlib.sha256((tmp_path / GATE_FILE).read_bytes()).hexdigest()
    assert [path.name for path in tmp_path.iterdir()] == [GATE_FILE]
    gate = read_gate(tmp_path, GateCard(sha256, LIMITS))
    assert gate.limits == LIMITS
    np.testing.assert_array_equal(gate.numbers.center, numbers.center)
    assert gate.numbers.axes.dtype == np.float32
    assert write_gate(tmp_path, numbers) == sha256


def test_a_changed_gate_is_refused(tmp_path: Path) -> None:
    sha256 = write_gate(tmp_path, made_numbers(5))
    data = bytearray((tmp_path / GATE_FILE).read_bytes())
    data[100] ^= 1
    (tmp_path / GATE_FILE).write_bytes(data)
    with pytest.raises(ModelCorruptError, match="SHA-256"):
        read_gate(tmp_path, GateCard(sha256, LIMITS))


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no zip", b"\x80\x04N."])
def test_what_is_no_gate_is_refused_even_with_the_right_hash(tmp_path: Path, data: bytes) -> None:
    (tmp_path / GATE_FILE).write_bytes(data)
    with pytest.raises(ModelCorruptError, match="numbers of a gate"):
        read_gate(tmp_path, GateCard(hashlib.sha256(data).hexdigest(), LIMITS))


def test_a_gate_of_an_older_version_is_refused(tmp_path: Path) -> None:
    numbers = made_numbers(5)
    sha256 = write_gate(tmp_path, replace(numbers, likeness=numbers.likeness[:-1]))
    with pytest.raises(ModelCorruptError, match="Fit it again"):
        read_gate(tmp_path, GateCard(sha256, LIMITS))


def test_the_model_loads_the_gate_its_card_speaks_of(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path)
    assert load_model(folder, threads=1).gate is None
    card = replace(read_card(folder), gate=GateCard("00" * 32, LIMITS))
    write_card(folder, card)
    with pytest.raises(ModelMissingError, match=GATE_FILE):
        load_model(folder)
    sha256 = write_gate(folder, made_numbers(CHANNELS))
    with pytest.raises(ModelCorruptError):
        load_model(folder)
    assert load_model(folder, threads=1, gated=False).gate is None
    write_card(folder, replace(card, gate=GateCard(sha256, LIMITS)))
    gate = load_model(folder, threads=1).gate
    assert gate is not None
    assert gate.limits == LIMITS


def test_the_distance_is_that_of_the_covariance() -> None:
    random = np.random.default_rng(0)
    axes = np.linalg.qr(random.normal(size=(6, 6)))[0][:2]
    variances, rest = np.array([4.0, 9.0]), 0.5
    covariance = (axes.T * variances) @ axes + rest * (np.eye(6) - axes.T @ axes)
    numbers = replace(
        made_numbers(6),
        center=random.normal(size=6).astype(np.float32),
        scale=random.uniform(0.5, 2, 6).astype(np.float32),
        axes=axes.astype(np.float32),
        stretch=(1 / variances - 1 / rest).astype(np.float32),
        rest=np.array([1 / rest], np.float32),
    )
    embedding = random.normal(size=(7, 6)).astype(np.float32)
    found = numbers.measure(embedding, np.zeros((7, FIGURES), np.float32))["distance"]
    unit = embedding / np.linalg.norm(embedding, axis=1, keepdims=True)
    steps = (unit - numbers.center) / numbers.scale
    expected = np.einsum("ni,ij,nj->n", steps, np.linalg.inv(covariance), steps)
    np.testing.assert_allclose(found, np.sqrt(expected / 6), rtol=1e-4)


@pytest.mark.parametrize("check", CHECKS)
def test_the_reason_names_the_check_its_value_and_its_limit(check: str) -> None:
    gate = gate_that_limits(3, **{check: -0.5})
    embedding, pictures = np.ones((1, 3), np.float32), np.zeros((1, 8, 8), np.float32)
    (judged,) = gate.judge(embedding, pictures)
    reason = judged.reason
    assert reason is not None
    assert judged.scores == pytest.approx(dict.fromkeys(CHECKS, 0.0), abs=1e-3)
    assert reason.startswith("does not look like a brain MRI: ")
    assert check.replace("_", " ") in reason
    assert "0.00" in reason
    assert "-0.50" in reason
    assert [one.reason for one in gate_that_limits(3).judge(embedding, pictures)] == [None]


def test_an_embedding_that_is_no_number_is_refused() -> None:
    embedding = np.full((1, 3), np.nan, np.float32)
    (judged,) = gate_that_limits(3).judge(embedding, np.zeros((1, 8, 8), np.float32))
    assert judged.reason is not None


def test_figures_tell_what_they_say() -> None:
    picture = np.zeros((3, 10, 10), np.float32)
    picture[:, 2:8, 2:8] = 0.5
    picture[1, 2:8, 2:5] = 1.0
    picture[2, 2:8, 2:5] = 0.8
    figures = picture_figures(picture, np.ones((3, 4), np.float32))
    assert figures.shape == (3, FIGURES)
    assert figures.dtype == np.float32
    assert figures[:, 0] == pytest.approx(np.log(2))  # of four channels of 1
    white, filled, asymmetry = figures[:, 1], figures[:, 3], figures[:, GRAY - 3]
    assert white[1] == pytest.approx(np.log(18 / 37 + 1e-3), rel=1e-5)
    assert white[0] == white[2] == pytest.approx(np.log(1e-3))
    assert filled == pytest.approx(np.full(3, 0.37))
    assert asymmetry[0] == 0
    assert asymmetry[1] > asymmetry[2] > 0
    histogram = figures[:, 11:24] ** 2
    np.testing.assert_allclose(histogram.sum(axis=1), 36 / 37, rtol=1e-5)


def test_the_shape_is_where_the_picture_lies() -> None:
    picture = np.zeros((2, 56, 56), np.float32)
    picture[0, 8:16, 20:28] = 0.5  # four cells: rows 2 and 3, columns 5 and 6
    shapes = picture_figures(picture, np.ones((2, 4), np.float32))[:, GRAY:].reshape(2, 2, 14, 14)
    expected = np.zeros((14, 14))
    expected[2:4, 5:7] = 1
    np.testing.assert_allclose(shapes[0, 0], expected)
    np.testing.assert_allclose(shapes[0, 1], expected * 128 / 255, atol=1e-6)
    assert not shapes[1].any()


def test_a_figure_far_out_counts_no_more_than_one_at_the_edge() -> None:
    numbers = replace(made_numbers(2), likeness=np.eye(1, 2 + FIGURES + 2, 2)[0].astype(np.float32))
    figures = np.zeros((4, FIGURES), np.float32)
    figures[:, 0] = (3, 8, 1e6, -1e6)
    found = numbers.measure(np.ones((4, 2), np.float32), figures)["likeness"]
    np.testing.assert_allclose(found, (3, 8, 8, -8))


def test_the_distance_counts_in_the_likeness_by_its_logarithm() -> None:
    likeness = np.eye(1, 2 + FIGURES + 2, 2 + FIGURES)[0].astype(np.float32)
    numbers = replace(made_numbers(2), likeness=likeness)
    embedding = np.array([[1.0, 1.0], [1.0, 2.0], [1.0, -3.0]], np.float32)
    found = numbers.measure(embedding, np.zeros((3, FIGURES), np.float32))
    np.testing.assert_allclose(found["likeness"][1:], np.log(found["distance"][1:]), rtol=1e-5)
    assert np.isfinite(found["likeness"][0])  # of the mean itself


def test_an_empty_picture_has_figures_too() -> None:
    assert np.isfinite(picture_figures(np.zeros((1, 8, 8), np.float32), np.zeros((1, 4)))).all()


@pytest.mark.skipif(
    not (DATA / "not_brain_mri").is_dir(), reason="the real pictures of ../shared/data are absent"
)
def test_the_bundled_gate_tells_brain_mri_from_other_pictures() -> None:
    model = load_model()
    if model.gate is None:
        pytest.skip("the bundled model has no gate yet")
    others = sorted((DATA / "not_brain_mri").glob("*/*.jpg"))[::5]
    brains = sorted((DATA / "cheng" / "images").glob("*.jpg"))[::80]
    assert len(others) > 20
    refused = [not predict(path, model=model).accepted for path in others]
    accepted = [predict(path, model=model).accepted for path in brains]
    assert np.mean(refused) >= 0.9
    assert np.mean(accepted) >= 0.95


def test_the_bundled_gate_lets_the_examples_in_whose_template_it_knows() -> None:
    model = load_model()
    scans = {path.stem: path for path in EXAMPLES.glob("*.*") if path.suffix not in {".md", ".py"}}
    assert len(scans) == 7
    assert [predict(path, model=model).reason for path in scans.values()] == [None] * 7
