"""What a JPEG, JPEG-LS or JPEG 2000 codestream says of itself, without decoding it."""

from dataclasses import dataclass

_JPEG_2000 = b"\xff\x4f\xff\x51"
_FRAME_HEADERS = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
_ALONE = {0x01, *range(0xD0, 0xD9)}


@dataclass(frozen=True, slots=True)
class Codestream:
    """The header of one compressed picture.

    Attributes:
        shape: (rows, columns).
        samples: Values a pixel: 1 for grey, 3 for colour.
        bits: Bits a value; 0 where they differ from sample to sample.
    """

    shape: tuple[int, int]
    samples: int
    bits: int


def parse_codestream(data: bytes) -> Codestream | None:
    """Read the header of a codestream; None where there is none.

    >>> parse_codestream(bytes.fromhex("ffd8 ffc0 000b 08 0010 0020 01 011100"))
    Codestream(shape=(16, 32), samples=1, bits=8)
    """
    if data[:4] == _JPEG_2000 and len(data) > 42:
        x1, y1, x0, y0 = (int.from_bytes(data[i : i + 4], "big") for i in (8, 12, 16, 20))
        samples = int.from_bytes(data[40:42], "big")
        return Codestream((y1 - y0, x1 - x0), samples, (data[42] & 0x7F) + 1)
    return _parse_jpeg(data) if data[:2] == b"\xff\xd8" else None


def _parse_jpeg(data: bytes) -> Codestream | None:
    """Walk from marker to marker up to the frame header."""
    place = 2
    while place + 10 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker in _FRAME_HEADERS:
            rows, columns = data[place + 5 : place + 7], data[place + 7 : place + 9]
            shape = int.from_bytes(rows, "big"), int.from_bytes(columns, "big")
            return Codestream(shape, data[place + 9], data[place + 4])
        if marker == 0xFF:  # filling before a marker
            place += 1
        elif marker in _ALONE:
            place += 2
        else:
            place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return None
