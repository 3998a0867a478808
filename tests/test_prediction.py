import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import CHANNELS, head
from tests.made_gates import gate_that_limits
from tests.reading.made import DATA, needs_data
from tumorlens.conformal import ADVICE, Conformal
from tumorlens.errors import ScanContentError, ScanMissingError
from tumorlens.labels import CLASSES, NO_TUMOR
from tumorlens.model import Model, load_model
from tumorlens.prediction import (
    SUSPICIOUS,
    Prediction,
    VolumePrediction,
    predict,
    predict_slices,
    softmax,
)
from tumorlens.preparation import prepare
from tumorlens.reporting.figure import _title
from tumorlens.reporting.overlay import make_overlay
from tumorlens.scan import Scan, Volume


def test_probabilities_are_the_softmax_of_logits_by_temperature(model: Model, scan: Scan) -> None:
    answer = predict(scan, model=model)
    pixels = prepare(scan, model.card.preparation).pixels
    logits = model.run(pixels[np.newaxis, np.newaxis]).logits[0].astype(np.float64)
    powers = np.exp(logits / model.card.temperature)
    assert list(answer.probabilities) == list(CLASSES)
    np.testing.assert_allclose(
        list(answer.probabilities.values()), powers / powers.sum(), rtol=1e-5
    )


def test_label_and_tumor_probability_follow_from_the_probabilities(
    model: Model, scan: Scan
) -> None:
    answer = predict(scan, model=model)
    assert answer.probabilities[answer.label] == max(answer.probabilities.values())
    assert answer.tumor_probability == pytest.approx(1 - answer.probabilities[NO_TUMOR])
    assert (answer.model.name, answer.model.sha256) == (model.card.name, model.card.sha256)
    assert answer.source == scan.source


def test_higher_temperature_is_less_sure_of_the_same_label(model: Model, scan: Scan) -> None:
    cool = replace(model, card=replace(model.card, temperature=0.5))
    warm = replace(model, card=replace(model.card, temperature=5.0))
    sure, unsure = predict(scan, model=cool), predict(scan, model=warm)
    assert sure.label == unsure.label
    assert sure.probabilities[sure.label] > unsure.probabilities[unsure.label]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_scan_made_by_hand_must_be_finite(model: Model, value: float) -> None:
    pixels = head(40, 30, blob=100.0)
    pixels[0, 0] = value
    for made in (Scan(pixels, "mine"), Volume(np.stack([pixels, pixels]), "mine")):
        with pytest.raises(ScanContentError, match="mine: expected finite values"):
            predict(made, model=model)


def test_a_scan_made_by_hand_may_be_of_any_range(model: Model) -> None:
    pixels = head(40, 30, blob=100.0)
    vast = (pixels / pixels.max() * 2 - 1) * np.float32(3.3e38)
    usual, same = (predict(Scan(one, "mine"), model=model) for one in (pixels, vast))
    assert same.tumor_probability == pytest.approx(usual.tumor_probability, abs=0.05)


def test_path_and_scan_give_the_same_answer(model: Model, picture: Path) -> None:
    by_path, by_text = predict(picture, model=model), predict(str(picture), model=model)
    assert isinstance(by_path, Prediction)
    assert by_path.to_json() == by_text.to_json()


def test_absent_path_is_refused(model: Model, tmp_path: Path) -> None:
    with pytest.raises(ScanMissingError):
        predict(tmp_path / "nowhere.png", model=model)


def test_many_slices_are_answered_in_order_as_each_alone(model: Model) -> None:
    scans = [Scan(head(blob=blob), f"{blob}") for blob in np.linspace(0, 150, 19)]
    together = predict_slices(scans, model=model)
    assert [answer.source for answer in together] == [scan.source for scan in scans]
    for scan, answer in zip(scans, together, strict=True):
        alone = predict(scan, model=model)
        assert answer.probabilities == pytest.approx(alone.probabilities, rel=1e-4)


def test_no_slices_no_answers(model: Model) -> None:
    assert predict_slices([], model=model) == []


def test_json_of_an_answer(model: Model, scan: Scan) -> None:
    record = json.loads(json.dumps(predict(scan, model=model).to_json()))
    assert set(record) == {
        "source", "label", "probabilities", "tumor_probability", "model",
        "accepted", "reason", "conformal_set", "advice", "skull_strip", "tta",
    }  # fmt: skip
    assert set(record["model"]) == {"name", "version", "sha256"}
    assert sum(record["probabilities"].values()) == pytest.approx(1)


def test_volume_names_its_most_suspicious_slices(model: Model, volume: Volume) -> None:
    answer = predict(volume, model=model)
    assert isinstance(answer, VolumePrediction)
    chances = {one.index: one.answer.tumor_probability for one in answer.slices}
    best = sorted(chances, key=lambda index: -chances[index])[:SUSPICIOUS]
    assert list(answer.suspicious) == best
    for one in answer.slices:
        assert one.answer.to_json() == answer.slice(one.index).to_json()


def test_slices_without_head_are_not_judged(model: Model, volume: Volume) -> None:
    answer = predict(volume, model=model)
    assert isinstance(answer, VolumePrediction)
    assert [one.index for one in answer.slices] == list(range(2, 12))
    with pytest.raises(KeyError):
        answer.slice(0)


def test_volume_answers_as_its_most_suspicious_stretch(model: Model, volume: Volume) -> None:
    answer = predict(volume, model=model)
    assert isinstance(answer, VolumePrediction)
    chances = [one.answer.tumor_probability for one in answer.slices]  # 15 mm are 3 slices
    means = [np.mean(chances[start : start + 3]) for start in range(len(chances) - 2)]
    assert answer.tumor_probability == pytest.approx(max(means), abs=1e-5)
    assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-5)


def test_json_of_a_volume(model: Model, volume: Volume) -> None:
    record = json.loads(json.dumps(predict(volume, model=model).to_json()))
    assert len(record["suspicious"]) == SUSPICIOUS
    assert {"index", "label", "probabilities", "accepted"} == set(record["slices"][0])


def test_answers_say_whether_the_mirror_image_was_asked_too(
    model: Model, scan: Scan, volume: Volume
) -> None:
    for asked in (model, model.with_tta()):
        one, whole = predict(scan, model=asked), predict(volume, model=asked)
        assert isinstance(whole, VolumePrediction)
        assert one.tta == whole.tta == asked.tta
        assert {each.answer.tta for each in whole.slices} == {asked.tta}


def test_volume_of_one_slice(model: Model) -> None:
    answer = predict(Volume(head()[np.newaxis], "one"), model=model)
    assert isinstance(answer, VolumePrediction)
    assert answer.suspicious == (0,)


def test_volume_without_head_is_refused(model: Model) -> None:
    with pytest.raises(ScanContentError):
        predict(Volume(np.zeros((3, 32, 32), np.float32), "empty"), model=model)


def test_softmax_of_large_logits() -> None:
    rows = softmax(np.array([[1000.0, 0.0], [-1000.0, -1000.0]], np.float32))
    np.testing.assert_allclose(rows, [[1, 0], [0.5, 0.5]])


def test_a_model_without_gate_and_sets_accepts_and_promises_nothing(
    model: Model, scan: Scan
) -> None:
    answer = predict(scan, model=model)
    assert (answer.accepted, answer.reason, answer.conformal_set, answer.advice) == (
        True, None, (), None,
    )  # fmt: skip


def test_what_the_gate_refuses_still_gets_its_probabilities(model: Model, scan: Scan) -> None:
    strict = replace(model, gate=gate_that_limits(CHANNELS, distance=0.0))
    answer, same = predict(scan, model=strict), predict(scan, model=model)
    assert answer.label == same.label
    assert answer.probabilities == same.probabilities
    assert not answer.accepted
    assert "does not look like a brain MRI" in (answer.reason or "")
    loose = replace(model, gate=gate_that_limits(CHANNELS))
    assert predict(scan, model=loose).accepted


def test_a_head_of_a_few_pixels_is_refused_by_a_model_with_a_gate(model: Model) -> None:
    gated = replace(model, gate=gate_that_limits(CHANNELS))
    small, enough = (Scan(head(side, side), "scan.png") for side in (24, 40))
    answer = predict(small, model=gated)
    assert not answer.accepted
    assert re.fullmatch(
        r"shows too little to judge: the head is \d+ x \d+ pixels, at least 24 across are needed",
        answer.reason or "",
    )
    assert "refused: shows too little to judge" in _title(make_overlay(small, answer))
    assert predict(enough, model=gated).accepted
    stretched = Scan(head(400, 100), "scan.png")
    told = predict(stretched, model=gated).reason or ""
    assert re.match(r"does not have a head's shape: \d\.\d times as long as wide", told)
    assert predict(replace(stretched, spacing_mm=(0.25, 1.0)), model=gated).accepted
    assert predict(small, model=model).accepted


@needs_data
def test_shrunk_and_stretched_pictures_are_refused_before_tumors_are_overlooked() -> None:
    bundled = load_model(threads=1)
    with (DATA / "cheng" / "patients.csv").open() as file:
        names = [row["index"] for row in csv.DictReader(file)][::60]
    told = {}
    for side in ((16, 16), (32, 32), (256, 1024)):
        scans = []
        for name in names:
            with Image.open(DATA / "cheng" / "images" / f"{name}.jpg") as picture:
                shrunk = picture.convert("L").resize(side, Image.Resampling.BOX)
            scans.append(Scan(np.asarray(shrunk, np.float32), name))
        answers = predict_slices(scans, model=bundled)
        found = np.mean([answer.tumor_probability > 0.5 for answer in answers])
        told[side] = (found, np.mean([answer.accepted for answer in answers]))
    for side in ((16, 16), (256, 1024)):
        assert told[side][0] < 0.4
        assert told[side][1] == 0
    assert told[32, 32][0] > 0.9
    assert told[32, 32][1] > 0.9


def test_more_than_one_class_left_asks_for_a_radiologist(model: Model, scan: Scan) -> None:
    plain = predict(scan, model=model)
    ones = dict.fromkeys(CLASSES, 1.0)
    for limit, count, advice in ((0.0, 4, ADVICE), (1.0, 1, None)):
        conformal = Conformal(0.95, dict.fromkeys(CLASSES, limit), ones)
        answer = predict(scan, model=replace(model, card=replace(model.card, conformal=conformal)))
        assert len(answer.conformal_set) == count
        assert answer.conformal_set[0] == plain.label
        assert answer.advice == advice
        record = answer.to_json()
        assert record["conformal_set"] == list(answer.conformal_set)
        assert record["advice"] == advice


def test_a_volume_is_refused_with_most_of_its_slices(model: Model, volume: Volume) -> None:
    answer = predict(volume, model=model)
    assert isinstance(answer, VolumePrediction)
    distances = [
        float(gate_that_limits(CHANNELS).numbers.measure(row, np.zeros((1, 1), np.float32))[
            "distance"
        ][0])
        for row in (_embedding(model, volume, one.index) for one in answer.slices)
    ]  # fmt: skip
    for part, accepted in ((0.7, True), (0.3, False)):
        limit = float(np.quantile(distances, part))
        gate = gate_that_limits(CHANNELS, distance=limit)
        judged = predict(volume, model=replace(model, gate=gate))
        assert isinstance(judged, VolumePrediction)
        assert judged.accepted == accepted
        assert (judged.reason is None) == accepted
        refused = [one.index for one in judged.slices if not one.answer.accepted]
        assert len(refused) == sum(value > limit for value in distances)
        assert judged.suspicious == answer.suspicious


def _embedding(model: Model, volume: Volume, index: int) -> np.ndarray:
    pixels = prepare(volume.slice(index), model.card.preparation).pixels
    return model.run(pixels[np.newaxis, np.newaxis]).embedding


def test_the_cards_curve_bends_the_largest_probability(model: Model, scan: Scan) -> None:
    plain = predict(scan, model=model)
    first = plain.probabilities[plain.label]
    curve = ((0.0, 0.0), (first, (first + 1) / 2), (1.0, 1.0))
    bent = predict(scan, model=replace(model, card=replace(model.card, curve=curve)))
    assert bent.label == plain.label
    assert bent.probabilities[bent.label] == pytest.approx((first + 1) / 2, abs=1e-5)
    assert sum(bent.probabilities.values()) == pytest.approx(1, abs=1e-5)
