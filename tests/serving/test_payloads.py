import base64

import pytest

from tumorlens.serving.errors import BadRequestError, BodyTooLargeError
from tumorlens.serving.payloads import (
    MAX_OBJECTS,
    MAX_VALUES,
    decode,
    decode_scans,
    parse_json,
    parse_lines,
)
from tumorlens.serving.schemas import Base64Scan, InferRequest, Instances


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"instances": 1}',
        b'{"instances": [1]}',
        b'{"instances": [{"b64": 1}]}',
        b"[]",
        b'{"instances": [{"b64": "eA==", "name": "\\ud800x"}]}',
        b'{"instances": [{"b64": "eA==", "name": "\xed\xa0\x80x"}]}',
        b'{"instances": [{"b64": "eA=="}], "x": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_such_json_is_refused(data: bytes) -> None:
    with pytest.raises(BadRequestError, match="JSON"):
        parse_json(data, Instances)


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_any_text_that_can_be_sent_back_is_a_name(start: bytes) -> None:
    body = b'{"instances": [{"b64": "eA==", "name": "\\ud83e\\udde0 \xc3\xa4"}]}'
    assert parse_json(start + body, Instances).instances[0].name == "\U0001f9e0 ä"


def test_scans_are_decoded() -> None:
    text = base64.b64encode(b"scan").decode()
    asked = parse_json(b'{"instances": [{"b64": "%s", "name": "a"}]}' % text.encode(), Instances)
    (upload,) = decode_scans(asked.instances, max_files=1)
    assert (upload.name, upload.data) == ("a", b"scan")
    with pytest.raises(BadRequestError, match="2 scans"):
        decode_scans(asked.instances * 2, max_files=1)


@pytest.mark.parametrize("text", ["%", "abc", "ä", "YQ==\n\x00"])
def test_what_is_no_base64_is_refused(text: str) -> None:
    with pytest.raises(BadRequestError):
        decode(text)
    with pytest.raises(BadRequestError):
        decode_scans([Base64Scan(b64=text)], max_files=1)


@pytest.mark.parametrize(
    "data",
    [
        b'{"inputs": [{"data": [' + b"0," * MAX_VALUES + b"0]}]}",
        b'{"inputs": [' + b"[]" * (MAX_VALUES + 1),
        b'{"instances": [' + b"{}" * MAX_OBJECTS,
    ],
)
def test_small_bodies_that_would_be_large_in_memory_are_refused(data: bytes) -> None:
    """120 MB of "0," took 3 GB, and the container with it."""
    with pytest.raises(BodyTooLargeError, match="values"):
        parse_json(data, InferRequest)


def test_of_many_wrong_values_one_is_told() -> None:
    data = b'{"instances": [' + b"0," * 100_000 + b"0]}"
    with pytest.raises(BadRequestError) as refused:
        parse_json(data, Instances)
    assert isinstance(refused.value.__cause__, ValueError)
    assert refused.value.__cause__.error_count() == 1  # type: ignore[attr-defined]


def test_lines_are_counted_before_they_are_read() -> None:
    line = b'{"b64": "eA=="}\n'
    assert len(parse_lines(b"\r\n" + line * 3, Base64Scan, max_lines=3)) == 3
    with pytest.raises(BadRequestError, match="more than 3 lines"):
        parse_lines(line * 3 + b"{broken", Base64Scan, max_lines=3)
