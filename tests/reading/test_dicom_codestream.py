"""Headers of compressed pictures, held against what was compressed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tumorlens.reading.dicom.codestream import parse_codestream

from .made import picture, picture_bytes


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"comment": b"words" * 99}])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_jpeg(options: dict, mode: str) -> None:
    data = picture_bytes(Image.fromarray(picture(40, 56)).convert(mode), "JPEG", **options)
    found = parse_codestream(data)
    assert found is not None
    assert (found.shape, found.samples, found.bits) == ((40, 56), len(mode), 8)


def test_jpeg_2000() -> None:
    data = picture_bytes(picture(64, 56), "JPEG2000", no_jp2=True)
    found = parse_codestream(data)
    assert found is not None
    assert (found.shape, found.samples, found.bits) == ((64, 56), 1, 8)


@given(st.binary(max_size=80), st.sampled_from([b"", b"\xff\xd8", b"\xff\x4f\xff\x51"]))
def test_any_bytes(data: bytes, start: bytes) -> None:
    parse_codestream(start + data)
