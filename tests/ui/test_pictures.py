import numpy as np
import pytest

from tumorlens.errors import ConfigError
from tumorlens.model import Model
from tumorlens.prediction import predict_slices
from tumorlens.reporting.overlay import EDGE, make_overlay
from tumorlens.scan import Scan
from tumorlens.ui.pictures import METHODS, SHOWS, Look, draw, draw_icon


@pytest.mark.parametrize("target", [None, "glioma", "no_tumor"])
def test_pictures_are_those_of_the_report(scan: Scan, model: Model, target: str | None) -> None:
    (answer,) = predict_slices([scan], model=model)
    overlay = make_overlay(scan, answer, target=target)
    expected = {"overlay": overlay.blend, "scan": overlay.scan, "heatmap": overlay.heatmap}
    for show in SHOWS:
        drawn = draw(scan, answer, Look(show=show, target=target))
        assert np.array_equal(np.asarray(drawn), expected[show]), show


def test_opacity_goes_from_the_scan_alone_to_as_much_heatmap_as_there_is_evidence(
    scan: Scan, model: Model
) -> None:
    (answer,) = predict_slices([scan], model=model)
    overlay = make_overlay(scan, answer)
    weight = overlay.explanation.heatmap[..., np.newaxis]
    none, full = (np.asarray(draw(scan, answer, Look(opacity=value))) for value in (0.0, 1.0))
    assert np.array_equal(none, overlay.scan)
    expected = overlay.scan * (1 - weight) + overlay.heatmap * weight
    assert np.abs(full - expected).max() <= 1


def test_the_tumors_edge_is_drawn_and_its_inside_left_as_it_is(scan: Scan, model: Model) -> None:
    (answer,) = predict_slices([scan], model=model)
    mask = np.zeros(scan.pixels.shape, bool)
    mask[20:40, 20:40] = True
    drawn = np.asarray(draw(scan, answer, Look(show="scan"), mask=mask))
    assert tuple(drawn[20, 30]) == EDGE
    assert tuple(drawn[30, 30]) != EDGE


def test_a_slice_that_was_not_judged_is_shown_alone(scan: Scan) -> None:
    drawn = np.asarray(draw(scan, None, Look()))
    assert drawn.shape == (*scan.pixels.shape, 3)
    assert (drawn[..., 0] == drawn[..., 2]).all()


def test_pixels_that_are_not_square_are_stretched_and_large_slices_shrunk(scan: Scan) -> None:
    flat = Scan(scan.pixels, "", (3.0, 1.0))
    large = Scan(np.zeros((3000, 1500), np.float32), "")
    assert draw(flat, None, Look()).size == (80, 288)
    assert draw(large, None, Look()).size == (512, 1024)


def test_an_unknown_class_is_refused_by_every_method(scan: Scan, model: Model) -> None:
    (answer,) = predict_slices([scan], model=model)
    for method in METHODS:
        with pytest.raises(ConfigError):
            draw(scan, answer, Look(target="stroke", method=method))


def test_the_icon_shows_something_on_nothing() -> None:
    alpha = np.asarray(draw_icon())[..., 3]
    assert 0.1 < (alpha > 0).mean() < 0.9
