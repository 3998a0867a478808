"""What the benchmarks compute from what they measured."""

import argparse
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tests.conftest import CHANNELS, SIZE, STRIDE, write_picture
from tests.conftest import head as made_head
from tumorlens.labels import CLASSES
from tumorlens.model import GRAPH_FILE


def test_only_the_part_between_the_markers_is_written(tmp_path: Path) -> None:
    page = import_module("performance_page")
    path = tmp_path / "page.md"
    path.write_text("before\n<!-- one: begin -->\nold\n<!-- one: end -->\nafter\n")
    page.write_part("one", "new\n", path)
    assert path.read_text() == "before\n<!-- one: begin -->\nnew\n<!-- one: end -->\nafter\n"
    with pytest.raises(SystemExit, match="has no"):
        page.write_part("two", "new", path)


def test_the_page_has_a_place_for_every_script() -> None:
    page = import_module("performance_page")
    text = page.PAGE.read_text()
    for name in ("side by side", "growth", "training"):
        assert text.count(f"<!-- {name}: begin -->") == text.count(f"<!-- {name}: end -->") == 1


def test_a_ratio_is_taken_within_rounds() -> None:
    tables = import_module("side_by_side_tables")
    assert tables.ratio([10.0, 40.0, 90.0], [1.0, 2.0, 3.0]) == "20.0 (10.0-30.0)"


def test_exponents_of_known_curves() -> None:
    growth = import_module("growth")
    sizes = (10, 100, 1000, 10_000)
    assert growth.exponent(sizes, [3.0 * size for size in sizes], 1) == pytest.approx(1)
    assert growth.exponent(sizes, [3.0 * size**2 for size in sizes], 2) == pytest.approx(1)
    assert growth.exponent(sizes, [3.0 * size**1.5 for size in sizes], 1) == pytest.approx(1.5)
    curve = growth.Curve("made", float, sizes, sizes)
    row = growth.rows_of(curve, sizes, [(3.0 * size**1.5, 100.0) for size in sizes])
    assert row[-1] == "**more than its input**"


def test_multiply_adds_of_a_graph(model_folder: Path) -> None:
    limit = import_module("arithmetic_limit")
    places = (SIZE // STRIDE) ** 2
    expected = places * CHANNELS * STRIDE**2 + CHANNELS * len(CLASSES)
    assert limit.products_of(model_folder / GRAPH_FILE) == expected


def test_what_packages_need_on_disk() -> None:
    size = import_module("installed_size")
    numpy = size.installed_bytes("numpy")
    assert numpy > 1e6
    assert size.installed_bytes("numpy", "pillow") > numpy
    assert size.installed_bytes("no-such-package-at-all") is None


def test_files_are_spread_and_taken_again(tmp_path: Path) -> None:
    side_by_side = import_module("side_by_side")
    for number in range(4):
        write_picture(tmp_path / f"{number}.jpg", made_head())
    names = [path.stem for path in side_by_side.files_of(tmp_path, 2)]
    assert names == ["0", "2"]
    assert len(side_by_side.files_of(tmp_path, 9)) == 9
    with pytest.raises(SystemExit):
        side_by_side.files_of(tmp_path / "nowhere", 3)


def test_made_up_folders_hold_as_many_files_as_asked(tmp_path: Path) -> None:
    growth = import_module("growth")
    paths = growth.lay_out(tmp_path, 7, side=32, different=3)
    assert len(list(tmp_path.iterdir())) == len(paths) == 7
    assert paths[3].read_bytes() == paths[0].read_bytes() != paths[1].read_bytes()


@pytest.mark.skipif(sys.platform != "linux", reason="the high-water mark is Linux's")
def test_peak_memory_is_of_the_command_and_not_of_who_starts_it() -> None:
    memory = import_module("peak_memory")
    held = bytearray(b"x") * 200_000_000
    assert memory.own_peak_mb() > 200
    _, small = memory.run_command([sys.executable, "-c", "print('said')"])
    _, large = memory.run_command([sys.executable, "-c", "bytearray(b'x') * 100_000_000"])
    assert small < 60
    assert 100 < large < 200
    assert len(held) == 200_000_000
    with pytest.raises(SystemExit, match="no such thing"):
        memory.run_command([sys.executable, "-c", "raise SystemExit('no such thing')"])


def test_a_busy_machine_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    processor = import_module("processor")
    loads = iter([(9.0, 0, 0), (9.0, 0, 0), (0.0, 0, 0)])
    monkeypatch.setattr(processor.os, "getloadavg", lambda: next(loads))
    monkeypatch.setattr(processor.time, "sleep", lambda _: None)
    assert processor.becomes_idle()
    monkeypatch.setattr(processor.os, "getloadavg", lambda: (9.0, 0, 0))
    assert not processor.becomes_idle(patience=0)


def test_who_is_slow_answers_a_share_of_the_folder(tmp_path: Path) -> None:
    side_by_side = import_module("side_by_side")
    task = next(one for one in side_by_side.tasks(1) if one.task == "heatmap")
    figures = side_by_side.Figures(task, {"slow": [0.1, 9.0], "fast": [0.001]})
    chosen = argparse.Namespace(folder_seconds=10)
    files = [tmp_path / str(number) for number in range(1000)]
    assert side_by_side._share([figures], "slow", files, chosen) == files[::10]
    assert side_by_side._share([figures], "fast", files, chosen) == files


def test_who_cannot_start_is_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    side_by_side = import_module("side_by_side")

    def worker(name: str, _: Path) -> str:
        if name != side_by_side.OURS:
            raise SystemExit("broken")
        return name

    monkeypatch.setattr(side_by_side, "Worker", worker)
    assert list(side_by_side.start([side_by_side.OURS, "OpenVINO"], tmp_path)) == ["tumorlens"]
    assert "left out: OpenVINO (broken)" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="does not start"):
        side_by_side.start(["OpenVINO"], tmp_path)


def test_warm_up_does_not_count() -> None:
    worker = import_module("contenders.worker")
    asked = []

    class Contender:
        def answer(self, path: Path) -> None:
            asked.append(path.name)

    order = {"task": "answer", "first": 1, "warm_up": 2, "times": 3, "paths": list("abcd")}
    assert len(worker.do(Contender(), order)["seconds"]) == 3
    assert asked == ["d", "a", "b", "c", "d"]


def test_one_visitor_is_no_crowd() -> None:
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    ui_memory = import_module("ui_memory")
    assert ui_memory.crowd(1) == "1 visitor"
    assert ui_memory.crowd(6) == "6 visitors at once"
