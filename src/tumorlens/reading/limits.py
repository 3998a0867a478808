"""How large an input may be; checked before anything is decoded."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The largest input that is read; beyond it a `ScanTooLargeError` is raised.

    Attributes:
        max_bytes: Bytes of one file, and of what a compressed file (gzip, deflate) unpacks to
            beyond its declared voxels.
        max_pixels: Rows times columns of one picture or slice.
        max_voxels: Slices times rows times columns of one volume.
        max_slices: Of one volume: each is answered, however small it is.
    """

    max_bytes: int = 512 * 2**20
    max_pixels: int = 16 * 2**20
    max_voxels: int = 512 * 512 * 512
    max_slices: int = 2048


DEFAULT_LIMITS = Limits()
"""What is allowed unless a caller says otherwise."""
