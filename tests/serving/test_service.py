import asyncio
import gc
import threading
import weakref

import pytest

from tests.serving.conftest import png, volume_nifti
from tumorlens.errors import ScanCorruptError
from tumorlens.model import Model
from tumorlens.prediction import Prediction, VolumePrediction
from tumorlens.scan import Scan, Volume
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


def test_it_is_not_ready_once_closed(model: Model) -> None:
    async def close() -> bool:
        service = Service(model, Settings(), Metrics())
        await service.warm_up()
        assert service.is_ready
        service.close()
        return service.is_ready

    assert not asyncio.run(close())
