"""JSON bodies: parsed off the event loop, since scans in base64 make them large."""

import base64
import binascii
import codecs
from collections.abc import Sequence
from functools import partial
from io import BytesIO
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from tumorlens.serving.errors import BadRequestError, BodyTooLargeError
from tumorlens.serving.opening import Upload
from tumorlens.serving.schemas import Base64Scan
from tumorlens.serving.service import Service

Shape = TypeVar("Shape", bound=BaseModel)

MAX_VALUES = 2**22
"""Numbers and texts in one JSON body: 32 slices of 360 x 360 pixels. In memory each is 10 to 40
times as large as in the body."""

MAX_OBJECTS = 2**12
"""Objects in one JSON body; a scan is one."""


async def receive_json(request: Request, service: Service, shape: type[Shape]) -> Shape:
    """The request's body as an object of a shape.

    Raises:
        BadRequestError: It is no JSON, or not of that shape.
        BodyTooLargeError: More bytes than allowed.
    """
    return await service.work(partial(parse_json, await request.body(), shape))


def parse_json(data: bytes, shape: type[Shape]) -> Shape:
    """JSON text (UTF-8) as an object of a shape.

    Texts in it that no encoding has, such as half a surrogate pair, are no JSON here: they could
    not be sent back.

    Raises:
        BadRequestError: It is no JSON, or not of that shape.
        BodyTooLargeError: More values than allowed.
    """
    _check_values(data)
    try:
        return shape.model_validate_json(data.removeprefix(codecs.BOM_UTF8))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            raise bad_json(shape.__name__, "a text that is no JSON") from error
        place = ".".join(str(step) for step in first["loc"])
        raise bad_json(shape.__name__, f"at {place or 'its top'}: {first['msg']}") from error


def parse_lines(data: bytes, shape: type[Shape], *, max_lines: int) -> list[Shape]:
    """One JSON object a line, as objects of a shape; empty lines are passed over.

    Raises:
        BadRequestError: One is no JSON, or not of that shape; or there are too many.
        BodyTooLargeError: One has more values than allowed.
    """
    found: list[Shape] = []
    for line in BytesIO(data):
        if not line.strip():
            continue
        if len(found) == max_lines:
            raise bad_json("request", f"more than {max_lines} lines, which are allowed")
        found.append(parse_json(line, shape))
    return found


def decode_scans(scans: Sequence[Base64Scan], *, max_files: int) -> list[Upload]:
    """The files of a JSON request.

    Raises:
        BadRequestError: One is no base64, or there are too many.
    """
    if len(scans) > max_files:
        raise bad_json("request", f"{len(scans)} scans, where {max_files} are allowed")
    return [Upload(scan.name[-255:], decode(scan.b64)) for scan in scans]


def decode(text: str) -> bytes:
    """Base64 to bytes.

    Raises:
        BadRequestError: It is none.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise bad_json("request", "a text that is no base64") from error


def _check_values(data: bytes) -> None:
    """Count what the body would become before it does; base64 has none of these signs."""
    values, objects = data.count(b",") + data.count(b"["), data.count(b"{")
    if values > MAX_VALUES or objects > MAX_OBJECTS:
        raise BodyTooLargeError(
            expected=f"JSON with at most {MAX_VALUES:,} values in {MAX_OBJECTS:,} objects",
            found=f"about {values:,} in {objects:,}",
            remedy="Send fewer slices at a time, or the files in base64 instead of numbers.",
        )


def bad_json(shape: str, found: str) -> BadRequestError:
    """The error for a body that is not the JSON that is wanted."""
    return BadRequestError(
        expected=f"a JSON body ({shape})",
        found=found[:300],
        remedy="See /openapi.json for what the path takes.",
    )
