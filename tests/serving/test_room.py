import threading

import numpy as np
import pytest

from tests.reading.made import dataset, dicom_bytes, picture
from tests.serving.conftest import png
from tumorlens.scan import Scan, Volume
from tumorlens.serving import room
from tumorlens.serving.room import Room

BLOCK = Volume(np.ones((10, 10, 10), np.float32), "block")
SLICE = Scan(np.ones((20, 20), np.float32), "slice")
PATIENCE_S = 0.2


@pytest.fixture(autouse=True)
def _all_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_SMALL", 10)


def _try(made: Room, scan: Scan | Volume) -> tuple[threading.Event, threading.Event]:
    """A thread that holds a scan; whether it does, and what lets it end."""
    has, go = threading.Event(), threading.Event()

    def hold() -> None:
        with made.held(scan):
            has.set()
            go.wait(20)

    threading.Thread(target=hold, daemon=True).start()
    return has, go


def test_what_does_not_fit_waits_until_there_is_room() -> None:
    made = Room(1500)
    first, go = _try(made, BLOCK)
    assert first.wait(5)
    second, go_on = _try(made, BLOCK)
    assert not second.wait(PATIENCE_S)
    go.set()
    assert second.wait(5)
    third, end = _try(made, Scan(np.ones((5, 5), np.float32), "fits beside it"))
    assert third.wait(5)
    go_on.set()
    end.set()


def test_nobody_overtakes_who_waits() -> None:
    made = Room(1500)
    first, go = _try(made, SLICE)
    large, go_large = _try(made, BLOCK)
    assert first.wait(5)
    assert not large.wait(PATIENCE_S)
    late, go_late = _try(made, Scan(np.ones((5, 5), np.float32), "would fit"))
    assert not late.wait(PATIENCE_S)
    go.set()
    assert large.wait(5)
    assert late.wait(5)
    go_large.set()
    go_late.set()


def test_a_lone_one_fits_always_and_small_ones_beside_anything() -> None:
    made = Room(1)
    with made.held(BLOCK), made.held(Scan(np.ones((2, 2), np.float32), "small")):
        pass
    with pytest.raises(KeyError), made.held(BLOCK):
        raise KeyError
    with made.held(BLOCK):
        pass


def test_pictures_and_slices_are_read_while_a_volume_is() -> None:
    made = Room(1)
    read = threading.Event()

    def read_other() -> None:
        with made.to_read(b"no picture"):
            read.set()

    with made.to_read(b"a volume"):
        for data in (png(), dicom_bytes(dataset(picture()))):
            with made.to_read(data):
                pass
        threading.Thread(target=read_other, daemon=True).start()
        assert not read.wait(PATIENCE_S)
    assert read.wait(5)
