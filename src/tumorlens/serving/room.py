"""Room for decoded scans: large ones wait for each other, so that they do not take the memory.

To read a volume takes up to 16 bytes a voxel, to judge and outline it as many. Small scans wait
for nobody.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tumorlens.reading.formats import HEAD_BYTES, is_dicom, is_picture
from tumorlens.scan import Scan, Volume

_SMALL = 2 * 2**20  # voxels
_ONE_SLICE = 2**20  # bytes of a DICOM file: 512 x 512 pixels of 16 bits have half of it
_A_PICTURE_S = 2  # bytes that a pixel of a slice takes by those that a voxel takes


class Room:
    """For one volume that is being read, and for those that are being judged and drawn.

    Safe to use from several threads; each waits in the order it came.
    """

    def __init__(self, max_voxels: int) -> None:
        """Begin empty.

        Args:
            max_voxels: Of all scans that are held at a time; a lone one may have more.
        """
        self._most = max_voxels
        self._taken = 0
        self._reading = threading.Lock()
        self._next = threading.Lock()
        self._changed = threading.Condition()

    @contextmanager
    def to_read(self, data: bytes) -> Iterator[None]:
        """Wait until nobody else reads what may be a volume; slices are read at once."""
        head = data[:HEAD_BYTES]
        if is_picture(head) or (is_dicom(head) and len(data) <= _ONE_SLICE):
            yield
            return
        with self._reading:
            yield

    @contextmanager
    def held(self, scan: Scan | Volume) -> Iterator[None]:
        """Wait until there is room for what is done with a scan that was read."""
        size = _size(scan)
        if size <= _SMALL:
            yield
            return
        with self._next, self._changed:
            self._changed.wait_for(lambda: not self._taken or self._taken + size <= self._most)
            self._taken += size
        try:
            yield
        finally:
            with self._changed:
                self._taken -= size
                self._changed.notify_all()


def _size(scan: Scan | Volume) -> int:
    return scan.voxels.size if isinstance(scan, Volume) else scan.pixels.size * _A_PICTURE_S
