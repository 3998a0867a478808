from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import head
from tests.made_cases import made_flair
from tumorlens.errors import ConfigError
from tumorlens.model import Model
from tumorlens.outlining import outline_volume
from tumorlens.prediction import Prediction, VolumePrediction, predict
from tumorlens.reporting.colormap import INFERNO, colorize
from tumorlens.reporting.figure import draw_figure, jpeg_bytes, png_bytes
from tumorlens.reporting.overlay import (
    EDGE,
    Overlay,
    blend_pictures,
    edge_of,
    gray_picture,
    make_overlay,
    make_overlays,
    slice_overlays,
)
from tumorlens.scan import Scan, Volume


def _overlay(model: Model, rows: int, columns: int) -> Overlay:
    scan = Scan(head(rows, columns, blob=100.0), "scan")
    return next(make_overlays(scan, predict(scan, model=model)))


def test_colours_are_the_anchors_and_lie_between_them() -> None:
    anchors = colorize(np.linspace(0, 1, len(INFERNO)))
    np.testing.assert_array_equal(anchors, INFERNO)
    assert colorize(np.zeros((2, 3))).shape == (2, 3, 3)
    np.testing.assert_array_equal(colorize(np.array([-1.0, 2.0])), [INFERNO[0], INFERNO[-1]])


def test_gray_is_the_same_in_any_units() -> None:
    pixels = np.linspace(-1, 1, 400, dtype=np.float32).reshape(20, 20)
    shown = gray_picture(pixels)
    for size in (3.3e38, 1e-30):
        np.testing.assert_allclose(gray_picture(pixels * np.float32(size)), shown, atol=1)
    assert gray_picture(np.full((3, 3), 7, np.float32)).max() == 0


def test_colours_grow_lighter_with_the_value() -> None:
    lightness = colorize(np.linspace(0, 1, 64)) @ np.array([0.299, 0.587, 0.114])
    assert (np.diff(lightness) > -0.6).all()
    assert lightness[-1] > 200


@pytest.mark.parametrize(("rows", "columns"), [(96, 96), (64, 50), (40, 120), (17, 300)])
def test_parts_have_the_scans_own_size(model: Model, rows: int, columns: int) -> None:
    overlay = _overlay(model, rows, columns)
    for part in (overlay.scan, overlay.heatmap, overlay.blend):
        assert part.shape == (rows, columns, 3)
        assert part.dtype == np.uint8


@pytest.mark.parametrize("shape", [(1, 20_000), (20_000, 1), (3, 9_000)])
def test_a_strip_of_pixels_makes_no_huge_figure(model: Model, shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
    scan = Scan(pixels, "strip")
    overlay = next(make_overlays(scan, predict(scan, model=model)))
    figure = draw_figure(overlay)
    assert max(figure.size) < 6600
    assert figure.width * figure.height < 4e6


def test_a_large_scan_is_shrunk_in_the_figure_and_keeps_its_aspect(model: Model) -> None:
    overlay = _overlay(model, 300, 4100)
    figure = np.asarray(draw_figure(overlay))
    small = np.asarray(Image.fromarray(overlay.scan).resize((2048, 150), Image.Resampling.BOX))
    gap = (figure.shape[1] - 3 * 2048) // 4
    panel = figure[:, gap : gap + 2048]
    rows = [top for top in range(len(panel) - 150) if (panel[top] == small[0]).all()]
    assert any((panel[top : top + 150] == small).all() for top in rows)


def test_blend_is_the_scan_where_there_is_no_evidence(model: Model) -> None:
    overlay = _overlay(model, 96, 80)
    silent = overlay.explanation.heatmap == 0
    assert silent.any()
    np.testing.assert_array_equal(overlay.blend[silent], overlay.scan[silent])
    assert (overlay.blend[~silent] != overlay.scan[~silent]).any()


def test_blend_hides_the_scan_by_weight() -> None:
    black, white = np.zeros((1, 2, 3), np.uint8), np.full((1, 2, 3), 255, np.uint8)
    blend = blend_pictures(black, white, np.array([[0.0, 1.0]], np.float32))
    assert blend[0, 0, 0] == 0
    assert 128 < blend[0, 1, 0] < 255


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_gray_does_not_depend_on_units(scale: float) -> None:
    pixels = head(blob=100.0)
    np.testing.assert_allclose(
        gray_picture((pixels * scale).astype(np.float32)), gray_picture(pixels), atol=1
    )


def test_gray_of_few_bright_pixels_still_shows_them() -> None:
    pixels = np.zeros((100, 100), np.float32)
    pixels[50, 50] = 7
    assert gray_picture(pixels)[50, 50, 0] == 255


def test_volume_shows_its_suspicious_slices(model: Model, volume: Volume) -> None:
    answer = predict(volume, model=model)
    overlays = list(make_overlays(volume, answer))
    assert tuple(overlay.index for overlay in overlays) == answer.suspicious
    np.testing.assert_array_equal(
        overlays[0].scan, gray_picture(volume.voxels[answer.suspicious[0]])
    )


def test_chosen_class_is_explained(model: Model, scan: Scan) -> None:
    overlay = make_overlay(scan, predict(scan, model=model), target="pituitary")
    assert overlay.explanation.target == "pituitary"


def test_answer_about_another_scan_is_refused(model: Model, scan: Scan, volume: Volume) -> None:
    other = Scan(head(50, 60), "other")
    with pytest.raises(ConfigError):
        make_overlay(other, predict(scan, model=model))
    with pytest.raises(ConfigError):
        list(make_overlays(volume, predict(scan, model=model)))


@pytest.mark.parametrize(("rows", "columns"), [(64, 64), (256, 200), (30, 400)])
def test_figure_holds_each_panel_pixel_by_pixel(model: Model, rows: int, columns: int) -> None:
    overlay = _overlay(model, rows, columns)
    figure = np.asarray(draw_figure(overlay))
    for panel in (overlay.scan, overlay.heatmap, overlay.blend):
        assert _contains(figure, panel)


def _contains(figure: np.ndarray, panel: np.ndarray) -> bool:
    rows, columns = panel.shape[:2]
    brightest = np.unravel_index(panel.sum(axis=2).argmax(), (rows, columns))
    spots = np.argwhere((figure == panel[brightest]).all(axis=2))
    for row, column in spots - brightest:
        part = figure[max(row, 0) : row + rows, max(column, 0) : column + columns]
        if part.shape == panel.shape and (part == panel).all():
            return True
    return False


def test_figure_of_a_tiny_scan_has_room_for_its_text(model: Model) -> None:
    figure = draw_figure(_overlay(model, 16, 16))
    assert figure.width > 400
    assert figure.height > 100


def test_png_and_jpeg_can_be_read_back(model: Model, tmp_path: Path) -> None:
    overlay = _overlay(model, 60, 120)
    (tmp_path / "a.png").write_bytes(png_bytes(draw_figure(overlay)))
    (tmp_path / "a.jpg").write_bytes(jpeg_bytes(overlay.blend, longest_side=40))
    with Image.open(tmp_path / "a.png") as png, Image.open(tmp_path / "a.jpg") as jpeg:
        assert png.format == "PNG"
        assert jpeg.size == (40, 20)


def test_the_outline_is_drawn_over_the_blend(outlining: Model) -> None:
    scan = Scan(head(96, 80, blob=120.0), "scan.png")
    answer = predict(scan, model=outlining)
    assert isinstance(answer, Prediction)
    overlay = next(make_overlays(scan, replace(answer, tumor_probability=0.9)))
    assert overlay.outline is not None
    edge = edge_of(overlay.outline.mask)
    assert 0 < edge.sum() < overlay.outline.mask.sum()
    assert (overlay.blend[edge] == EDGE).all()
    assert not (overlay.scan == EDGE).all(axis=-1).any()
    without = next(make_overlays(scan, replace(answer, tumor_probability=0.1)))
    assert not (without.blend == EDGE).all(axis=-1).any()
    assert draw_figure(overlay).size[0] >= draw_figure(without).size[0]


def test_an_edge_is_deeper_in_large_scans() -> None:
    mask = np.zeros((20, 20), bool)
    mask[5:15, 5:15] = True
    assert edge_of(mask).sum() == 36
    large = np.zeros((500, 500), bool)
    large[:20, 100:120] = True
    assert edge_of(large).sum() == 400 - 256


def test_slices_of_a_volume_show_its_one_outline(outlining: Model, companion: Path) -> None:
    volume, _ = made_flair()
    answer = predict(volume, model=replace(outlining, companion=companion))
    assert isinstance(answer, VolumePrediction)
    answer = replace(answer, tumor_probability=0.9)
    whole = outline_volume(volume, answer)
    assert whole.largest is not None
    others = [one.index for one in answer.slices if not whole.mask[one.index].any()]
    for overlay in slice_overlays(volume, answer, [whole.largest, others[0]]):
        assert overlay.index is not None
        assert overlay.outline is not None
        assert overlay.outlined_by == whole.outlined_by is not None
        np.testing.assert_array_equal(overlay.outline.mask, whole.mask[overlay.index])
        edge = edge_of(whole.mask[overlay.index])
        assert ((overlay.blend == EDGE).all(axis=-1) == edge).all()
    plain = list(make_overlays(volume, answer, outlined=False))
    assert [overlay.index for overlay in plain] == list(answer.suspicious)
    assert {overlay.outline for overlay in plain} == {None}
