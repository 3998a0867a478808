"""Malformed uploads, made from good files with a seed: no 5xx, no crash, no hang."""

import random
import time
from collections import Counter
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from tests.reading.made import ALL, DATA, EXAMPLES, affine, block, cut, dicom_bytes, needs_data
from tests.serving.conftest import packed

EXPECTED = {200, 413, 415, 422}
LONGEST_S = 10.0


def _series() -> bytes:
    slices = cut(block(), affine(), (2, 1, 0))
    return packed({f"{n}.dcm": dicom_bytes(one) for n, one in enumerate(slices)})


def _flip(data: bytearray, source: random.Random) -> None:
    for _ in range(source.choice((1, 4, 32))):
        data[source.randrange(len(data))] = source.randrange(256)


def _flip_head(data: bytearray, source: random.Random) -> None:
    for _ in range(source.choice((1, 3, 8))):
        data[source.randrange(min(512, len(data)))] = source.choice((0, 1, 127, 128, 254, 255))


def _cut(data: bytearray, source: random.Random) -> None:
    del data[source.randrange(len(data)) :]


def _cut_out(data: bytearray, source: random.Random) -> None:
    start = source.randrange(len(data))
    del data[start : start + source.randrange(1, 64)]


def _repeat(data: bytearray, source: random.Random) -> None:
    start = source.randrange(len(data))
    data[start:start] = data[start : start + source.randrange(1, 4096)]


def _insert(data: bytearray, source: random.Random) -> None:
    start = source.randrange(len(data))
    data[start:start] = source.randbytes(source.randrange(1, 64))


def _blank(data: bytearray, source: random.Random) -> None:
    start = source.randrange(len(data))
    length = min(source.randrange(1, 1024), len(data) - start)
    data[start : start + length] = bytes([source.choice((0, 255))]) * length


MUTATIONS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip,
    _flip_head,
    _cut,
    _cut_out,
    _repeat,
    _insert,
    _blank,
)


def _mutated(good: bytes, source: random.Random) -> bytes:
    data = bytearray(good)
    for _ in range(source.choice((1, 1, 2, 3))):
        if data:
            source.choice(MUTATIONS)(data, source)
    return bytes(data)


def _attack(client: TestClient, goods: list[bytes], count: int, seed: int) -> Counter[int]:
    """Send mutated files; returns how often each status came."""
    source = random.Random(seed)
    statuses: Counter[int] = Counter()
    paths = ("/v1/predict", "/v1/predict", "/v1/explain", "/v1/view")
    for number in range(count):
        bad = _mutated(goods[number % len(goods)], source)
        began = time.perf_counter()
        done = client.post(source.choice(paths), files={"file": bad})
        assert done.status_code in EXPECTED, (seed, number, done.text)
        assert time.perf_counter() - began < LONGEST_S, (seed, number)
        statuses[done.status_code] += 1
    return statuses


def _goods() -> list[bytes]:
    return [*(EXAMPLES[reader][name]() for reader, name in ALL), _series()]


def test_some_malformed_uploads(client: TestClient) -> None:
    statuses = _attack(client, _goods(), 105, seed=1)
    assert statuses[422] > 20
    assert client.get("/health/ready").status_code == 200


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_thousand_malformed_uploads(client: TestClient) -> None:
    statuses = _attack(client, _goods(), 2000, seed=2)
    assert statuses[422] > 400
    assert client.get("/health/ready").status_code == 200


@pytest.mark.slow
@pytest.mark.timeout(1800)
@needs_data
def test_two_thousand_malformed_uploads_of_real_scans(client: TestClient) -> None:
    found = [
        next((DATA / "cheng" / "images").glob("*.jpg")),
        next((DATA / "brisc" / "images").glob("*.jpg")),
        next((DATA / "volumes" / "dicom_t1").iterdir()),
        min((DATA / "volumes").glob("*.nii.gz"), key=lambda path: path.stat().st_size),
    ]
    statuses = _attack(client, [path.read_bytes() for path in found], 2000, seed=3)
    assert statuses[422] > 200
    assert client.get("/health/ready").status_code == 200


def test_malformed_forms(client: TestClient) -> None:
    """The form around the file is damaged instead of the file."""
    good = EXAMPLES["image"]["png"]()
    form = (
        b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
        b"Content-Type: image/png\r\n\r\n" + good + b"\r\n--edge--\r\n"
    )
    source = random.Random(4)
    headers = {"content-type": "multipart/form-data; boundary=edge"}
    for _ in range(150):
        bad = bytearray(form)
        for _ in range(source.choice((1, 3))):
            bad[source.randrange(130)] = source.randrange(256)
        if source.random() < 0.3:
            _cut(bad, source)
        done = client.post("/v1/predict", content=bytes(bad), headers=headers)
        assert done.status_code in EXPECTED | {400}, done.text


def test_malformed_json(client: TestClient) -> None:
    source = random.Random(5)
    good = b'{"instances": [{"b64": "aGVsbG8=", "name": "a"}], "id": "1", "inputs": [{"name": "x", '
    good += b'"shape": [2, 2], "datatype": "FP32", "data": [1.5, 2, 3, 4]}]}'
    for _ in range(150):
        bad = _mutated(good, source)
        for path in ("/invocations", "/v2/models/tiny/infer"):
            done = client.post(path, content=bad, headers={"content-type": "application/json"})
            assert done.status_code in EXPECTED | {400}, done.text
