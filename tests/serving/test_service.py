import asyncio
import gc
import threading
import time
import weakref

import pytest

from tests.serving.conftest import png, volume_nifti
from tumorlens.errors import ScanCorruptError
from tumorlens.model import Model
from tumorlens.prediction import Prediction, VolumePrediction
from tumorlens.scan import Scan, Volume
from tumorlens.serving import service as serving
from tumorlens.serving.errors import BusyError
from tumorlens.serving.metrics import Metrics
from tumorlens.serving.opening import Upload
from tumorlens.serving.service import Service
from tumorlens.serving.settings import Settings


def _both(
    scan: Scan | Volume, answer: Prediction | VolumePrediction
) -> tuple[Scan | Volume, Prediction | VolumePrediction]:
    return scan, answer


async def _ask(model: Model, upload: Upload | Scan, index: int | None = None) -> tuple[object, ...]:
    service = Service(model, Settings(), Metrics())
    try:
        with pytest.raises(BusyError):
            await service.answer(upload, _both)
        await service.warm_up()
        return await service.answer(upload, _both, index=index)
    finally:
        service.close()


def test_a_slice_a_volume_and_one_of_its_slices(model: Model, volume: Volume, scan: Scan) -> None:
    data = volume_nifti(volume)
    kinds = [
        (Upload("a", png()), None, Scan, Prediction),
        (Upload("a", data), None, Volume, VolumePrediction),
        (Upload("a", data), 3, Scan, Prediction),
        (scan, None, Scan, Prediction),
    ]
    for upload, index, scan_kind, answer_kind in kinds:
        read, answer = asyncio.run(_ask(model, upload, index))  # type: ignore[arg-type]
        assert isinstance(read, scan_kind)
        assert isinstance(answer, answer_kind)


def test_what_cannot_be_read_raises_the_library_s_error(model: Model) -> None:
    with pytest.raises(ScanCorruptError):
        asyncio.run(_ask(model, Upload("a", png()[:200])))


class _Data(bytearray):
    """Bytes of which one can tell whether they are still in memory."""


def test_an_upload_given_up_leaves_the_memory_while_the_threads_are_busy(model: Model) -> None:
    async def give_up() -> bool:
        service = Service(model, Settings(workers=1), Metrics())
        await service.warm_up()
        begun, go = threading.Event(), threading.Event()

        def be_busy() -> bool:
            begun.set()
            return go.wait(20)

        busy = asyncio.ensure_future(service.work(be_busy))
        try:
            assert await asyncio.to_thread(begun.wait, 10)
            data = _Data(1000)
            watched = weakref.ref(data)
            upload = Upload("gone", data)  # type: ignore[arg-type]
            asked = asyncio.ensure_future(service.answer(upload, _both))
            del data, upload
            await asyncio.sleep(0.05)
            assert watched() is not None
            asked.cancel()
            await asyncio.wait({asked})
            assert asked.cancelled()
            del asked
            gc.collect()
            return watched() is None
        finally:
            go.set()
            assert await busy
            service.close()

    assert asyncio.run(give_up())


def test_of_many_requests_few_are_in_memory_decoded(
    model: Model, scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten requests for a slice of a large volume held ten volumes: 3 GB."""
    there: list[weakref.ref[object]] = []
    most = 0

    def opened(*_: object, **__: object) -> Scan:
        nonlocal most
        read = Scan(scan.pixels.copy(), "a")
        there.append(weakref.ref(read.pixels))
        most = max(most, sum(one() is not None for one in there))
        return read

    monkeypatch.setattr(serving, "open_upload", opened)

    async def ask() -> None:
        service = Service(model, Settings(workers=2, max_batch=3), Metrics())
        await service.warm_up()
        uploads = [Upload(str(n), png()) for n in range(24)]
        await asyncio.gather(*(service.answer(one, lambda *_: None) for one in uploads))
        service.close()

    asyncio.run(ask())
    assert len(there) == 24
    assert most <= 9  # three begun, and what each of three threads has not let go of yet


def test_volumes_that_do_not_fit_together_wait_for_each_other(
    model: Model, volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tumorlens.serving.room._SMALL", 1)
    held, most = 0, 0
    lock = threading.Lock()

    def finish(*_: object) -> None:
        nonlocal held, most
        with lock:
            held += 1
            most = max(most, held)
        time.sleep(0.02)
        with lock:
            held -= 1

    async def ask(max_voxels: int) -> None:
        service = Service(model, Settings(max_voxels=max_voxels), Metrics())
        await service.warm_up()
        upload = Upload("a", volume_nifti(volume))
        await asyncio.gather(*(service.answer(upload, finish) for _ in range(6)))
        service.close()

    asyncio.run(ask(volume.voxels.size))
    assert most == 1


def test_it_is_not_ready_once_closed(model: Model) -> None:
    async def close() -> bool:
        service = Service(model, Settings(), Metrics())
        await service.warm_up()
        assert service.is_ready
        service.close()
        return service.is_ready

    assert not asyncio.run(close())
