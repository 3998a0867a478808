"""How many pages a TIFF file has, counted without decoding any.

Pillow reads all tags of every page to count them, and compares each with all before it.
"""

import struct


def count_pages(data: bytes, *, most: int) -> int:
    """Count the pages that a TIFF or BigTIFF file links, each once.

    Args:
        data: The whole file.
        most: Counting ends at one more than this.

    Returns:
        0 where not even the first can be found.
    """
    order = "<" if data[:2] == b"II" else ">"
    is_big = data[2:4] in {b"+\0", b"\0+"}
    number, place = (struct.Struct(order + kind) for kind in ("QQ" if is_big else "HI"))
    tag_bytes, start = (20, 8) if is_big else (12, 4)
    seen: set[int] = set()
    try:
        (page,) = place.unpack_from(data, start)
        while page and page not in seen and len(seen) <= most:
            (tags,) = number.unpack_from(data, page)
            seen.add(page)
            (page,) = place.unpack_from(data, page + number.size + tags * tag_bytes)
    except (struct.error, OverflowError):  # it points beyond the end of the file
        pass
    return len(seen)
