from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tumorlens.lab.audit.inspection import FAULTS, inspect, inspect_all
from tumorlens.lab.datasets.tomograms import looks_of
from tumorlens.preparation import Preparation, prepare
from tumorlens.reading import find_sources, read_source

from .made_pictures import draw, entry


def faulty(folder: Path) -> dict[str, Path]:
    """One file for each fault."""
    files = {fault: folder / f"{fault}.png" for fault in FAULTS}
    files["unreadable"].write_bytes(b"\x89PNG no picture")
    draw(0).resize((40, 50)).save(files["tiny"])
    Image.new("L", (100, 100), 12).save(files["blank"])
    colours = np.random.default_rng(0).integers(0, 255, (100, 100, 3), np.uint8)
    Image.fromarray(colours).save(files["colour"])
    arrow = draw(0).convert("RGB")
    ImageDraw.Draw(arrow).line((40, 40, 90, 90), fill=(255, 220, 0), width=4)
    arrow.save(files["annotated"])
    draw(1).save(files["tomogram"])
    return files


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = faulty(tmp_path)
    scan = prepare(read_source(find_sources([str(files["tomogram"])]).sources[0]), Preparation())
    known = looks_of(np.rint(scan.pixels * 255).astype(np.uint8))[np.newaxis]
    monkeypatch.setattr("tumorlens.lab.datasets.tomograms.known_tomograms", lambda: known)
    found = inspect(entry(files[fault]))
    assert fault in found.faults
    assert (found.shape is None) == (fault == "unreadable")
    assert (found.appearance is None) == (fault in {"unreadable", "blank"})
    assert bool(found.reason) == (fault in {"unreadable", "blank"})


def test_a_good_picture_has_no_fault_in_grey_or_as_rgb(tmp_path: Path) -> None:
    for mode in ("L", "RGB"):
        draw(0).convert(mode).save(tmp_path / "good.png")
        found = inspect(entry(tmp_path / "good.png"))
        assert found.faults == ()
        assert len(found.sha256) == 64
        assert found.shape == (160, 160)


def test_an_absent_file_is_unreadable_and_stops_nothing(tmp_path: Path) -> None:
    draw(0).save(tmp_path / "good.png")
    calls: list[tuple[int, int]] = []
    entries = [entry(tmp_path / "absent.png"), entry(tmp_path / "good.png")]
    found = inspect_all(entries, progress=lambda *each: calls.append(each))
    assert [one.faults for one in found] == [("unreadable",), ()]
    assert found[0].sha256 == ""
    assert calls == [(1, 2), (2, 2)]
