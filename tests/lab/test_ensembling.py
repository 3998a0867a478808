"""One model folder out of several: equal to the mixture of its members in all it says."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from tumorlens.card import Card
from tumorlens.errors import ConfigError
from tumorlens.explanation import explain
from tumorlens.lab.ensembling import joined_preparation, merge_models
from tumorlens.lab.export import export_model
from tumorlens.lab.mixing import stack, vote
from tumorlens.lab.networks import build_network
from tumorlens.labels import CLASSES
from tumorlens.model import Model, load_model
from tumorlens.prediction import predict
from tumorlens.preparation import Preparation, prepare
from tumorlens.scan import FloatArray, Scan

SIZE = 64
PREPARATION = Preparation(size=SIZE)
TEMPERATURES = (1.3, 0.8)
PICTURES = np.random.default_rng(3).random((3, 1, SIZE, SIZE), np.float32)


def card(temperature: float = 1.0, **changes: object) -> Card:
    return Card("made", "0", CLASSES, PREPARATION, temperature, "", "test", **changes)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list:
    """Two members of different grids: 4 x 4 with an outline, and 2 x 2 without."""
    made = []
    variants = [("custom_cnn", True), ("tf_efficientnet_lite0", False)]
    for (name, outlines), temperature in zip(variants, TEMPERATURES, strict=True):
        torch.manual_seed(len(made))
        network = build_network(name, classes=4, outlines=outlines).train()
        with torch.no_grad():
            network(torch.rand(4, 1, SIZE, SIZE))
        torch.nn.init.normal_(network.linear.weight, std=0.3)
        made.append(tmp_path_factory.mktemp(name))
        export_model(network.eval(), card(temperature), made[-1])
    return made


@pytest.fixture(scope="module")
def members(folders: list) -> list[Model]:
    return [load_model(folder) for folder in folders]


def calibrated(members: list[Model]) -> list[FloatArray]:
    return [m.run(PICTURES).logits / m.card.temperature for m in members]


def test_a_vote_is_the_weighted_mean_of_the_calibrated_logits(
    folders: list, members: list[Model], tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = merge_models(folders, vote([3, 1], classes=4), card(), tmp_path_factory.mktemp("whole"))
    first, second = calibrated(members)
    outputs = whole.run(PICTURES)
    np.testing.assert_allclose(outputs.logits, 0.75 * first + 0.25 * second, atol=1e-4)
    embeddings = [member.run(PICTURES).embedding for member in members]
    np.testing.assert_allclose(outputs.embedding, np.concatenate(embeddings, axis=1), atol=1e-5)
    outline = members[0].run(PICTURES).outline
    np.testing.assert_allclose(outputs.outline, outline, atol=1e-4)  # the other draws none
    for count in (1, 5):
        assert len(whole.run(PICTURES[[0] * count]).logits) == count


def test_the_heatmap_is_the_mixture_of_the_members(
    folders: list, members: list[Model], tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = merge_models(folders, vote([1, 1], classes=4), card(), tmp_path_factory.mktemp("whole"))
    scan = Scan(np.random.default_rng(0).random((SIZE, SIZE), np.float32) * 200, "made")
    ours = predict(scan, model=whole)
    expected = np.zeros((4, 4, 4))
    for member in members:
        maps = torch.from_numpy(predict(scan, model=member).evidence.class_maps)[None]
        maps = torch.nn.functional.interpolate(maps, (4, 4), mode="bilinear")
        expected += 0.5 * maps[0].numpy() / member.card.temperature
    np.testing.assert_allclose(ours.evidence.class_maps, expected, atol=1e-4)
    heatmaps = [explain(ours, target=name).heatmap for name in CLASSES]
    assert heatmaps[0].shape == (SIZE, SIZE)
    assert max(heatmap.max() for heatmap in heatmaps) > 0


def test_stacking_is_the_learnt_linear_layer(
    folders: list, members: list[Model], tmp_path_factory: pytest.TempPathFactory
) -> None:
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 4, 80)
    noise = [rng.normal(0, 1, (80, 4)).astype(np.float32) for _ in members]
    noise[1][np.arange(80), targets] += 3
    mixing = stack(noise, targets, classes=4)
    whole = merge_models(folders, mixing, card(), tmp_path_factory.mktemp("whole"))
    joined = np.concatenate(calibrated(members), axis=1)
    expected = joined @ mixing.matrix.T + mixing.bias
    np.testing.assert_allclose(whole.run(PICTURES).logits, expected, atol=1e-4)
    learnt = np.concatenate(noise, axis=1) @ mixing.matrix.T + mixing.bias
    assert (learnt.argmax(1) == targets).mean() > 0.8
    assert np.abs(mixing.matrix[:, 4:]).mean() > 3 * np.abs(mixing.matrix[:, :4]).mean()


def test_members_must_see_scans_prepared_alike(
    folders: list, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    network = build_network("custom_cnn", classes=4).eval()
    preparation = Preparation(size=32, margin=0.1)
    export_model(network, Card("b", "0", CLASSES, preparation, 1.0, "", "test"), other)
    with pytest.raises(ConfigError, match="preparation"):
        merge_models(
            [folders[0], other], vote([1, 1], classes=4), card(), tmp_path_factory.mktemp("x")
        )


SMALL = 48


@pytest.fixture(scope="module")
def sizes(folders: list, tmp_path_factory: pytest.TempPathFactory) -> list:
    """A member that takes 64 pixels, and one that takes 48; both outline."""
    torch.manual_seed(5)
    network = build_network("custom_cnn", classes=4, outlines=True).train()
    with torch.no_grad():
        network(torch.rand(4, 1, SMALL, SMALL))
    torch.nn.init.normal_(network.linear.weight, std=0.3)
    folder = tmp_path_factory.mktemp("small")
    export_model(network.eval(), replace(card(0.7), preparation=Preparation(size=SMALL)), folder)
    return [folders[0], folder]


def shrunk(pictures: FloatArray) -> FloatArray:
    """By Pillow's bicubic interpolation, which averages where it shrinks."""
    small = [
        np.asarray(Pillow.fromarray(picture[0]).resize((SMALL, SMALL), Pillow.Resampling.BICUBIC))
        for picture in pictures
    ]
    return np.clip(np.stack(small)[:, np.newaxis], 0, 1)


def test_a_smaller_member_sees_the_pictures_shrunk(
    sizes: list, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for order, shares in ((sizes, [2, 1]), (sizes[::-1], [1, 2]), ([*sizes, sizes[1]], [4, 1, 1])):
        mixing = vote(shares, classes=4)
        members = [load_model(folder) for folder in order]
        preparation = joined_preparation([member.card for member in members])
        assert preparation.size == SIZE
        whole = merge_models(order, mixing, card(), tmp_path_factory.mktemp("whole"))
        seen = [
            PICTURES if member.card.preparation.size == SIZE else shrunk(PICTURES)
            for member in members
        ]
        answers = [
            member.run(pictures).logits / member.card.temperature
            for member, pictures in zip(members, seen, strict=True)
        ]
        outputs = whole.run(PICTURES)
        mean = np.average(answers, axis=0, weights=shares)
        np.testing.assert_allclose(outputs.logits, mean, atol=1e-4)
        assert outputs.features.shape[-2:] == (4, 4)  # of the larger; 3 x 3 of the smaller
        outlines = [
            torch.from_numpy(member.run(pictures).outline)
            for member, pictures in zip(members, seen, strict=True)
        ]
        side = max(outline.shape[-1] for outline in outlines)
        fine = [
            torch.nn.functional.interpolate(outline, (side, side), mode="bilinear")
            for outline in outlines
        ]
        joined = np.average(np.stack(fine), axis=0, weights=shares)
        np.testing.assert_allclose(outputs.outline, joined, atol=1e-3)


def test_the_heatmap_of_two_sizes_is_the_weighted_features(
    sizes: list, tmp_path_factory: pytest.TempPathFactory
) -> None:
    mixing = vote([1, 1], classes=4)
    whole = merge_models(sizes, mixing, card(), tmp_path_factory.mktemp("whole"))
    scan = Scan(np.random.default_rng(0).random((SIZE, SIZE), np.float32) * 200, "made")
    ours = predict(scan, model=whole).evidence.class_maps
    picture = prepare(scan, PREPARATION).pixels[np.newaxis, np.newaxis]
    expected = np.zeros((4, 4, 4))
    for folder in sizes:
        member = load_model(folder)
        small = member.card.preparation.size == SMALL
        features = member.run(shrunk(picture) if small else picture).features
        maps = np.einsum("kc,nchw->nkhw", member.class_weights, features)
        wide = torch.nn.functional.interpolate(torch.from_numpy(maps), (4, 4), mode="bilinear")
        expected += 0.5 * wide[0].numpy() / member.card.temperature
    np.testing.assert_allclose(ours, expected, atol=1e-4)
