"""The size of a picture inside a JPEG, JPEG-LS or JPEG 2000 codestream, without decoding it."""

_JPEG_2000 = b"\xff\x4f\xff\x51"
_FRAME_HEADERS = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
_ALONE = {0x01, *range(0xD0, 0xD9), 0xFF}


def codestream_shape(data: bytes) -> tuple[int, int] | None:
    """(rows, columns) that a codestream declares; None where it is of another kind.

    >>> codestream_shape(bytes.fromhex("ffd8 ffc0 0011 08 0010 0020"))
    (16, 32)
    """
    if data[:4] == _JPEG_2000:
        x1, y1, x0, y0 = (int.from_bytes(data[i : i + 4], "big") for i in (8, 12, 16, 20))
        return y1 - y0, x1 - x0
    if data[:2] != b"\xff\xd8":
        return None
    place = 2
    while place + 9 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker in _FRAME_HEADERS:
            rows, columns = data[place + 5 : place + 7], data[place + 7 : place + 9]
            return int.from_bytes(rows, "big"), int.from_bytes(columns, "big")
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        place += 1 if marker == 0xFF else 2 + (0 if marker in _ALONE else length)
    return None
