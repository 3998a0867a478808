"""Whether two pictures are the same one: laid on each other, do they agree in detail?

The points that two pictures share give the affine map between them (random sample consensus, M.
Fischler and R. Bolles, 1981). The second is laid on the first, both are freed of brightness and
contrast region by region, and correlated where they overlap. Neighbouring slices of one head and
alike slices of two heads agree in shape but not in detail.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from tumorlens.lab.audit.appearance import Appearance, ByteArray, mirror, root
from tumorlens.lab.audit.candidates import LIKE
from tumorlens.scan import FloatArray

_MIN_POINTS = 4  # that must agree on one map; three always do
_TOLERANCE = 3.0  # pixels between where a point is and where the map says
_TRIALS = 500  # random samples
_SCALE = (0.25, 4.0)  # a map that shrinks or grows by more is a mistake
_STRETCH = 1.8  # and so is one that stretches more along one axis than along the other
_REGION, _GRAIN = 4.0, 0.7  # pixels: where brightness is evened out, and what counts as noise
_FLAT = 4.0  # grey levels; regions of less contrast count less
_MIN_OVERLAP = 400  # pixels


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two pictures, laid on each other, agree.

    Attributes:
        likeness: Correlation of the details where they overlap, -1..1.
        overlap: Of the smaller picture, which part the other covers, 0..1.
        points: How many shared points lie where the map says.
        mirrored: Whether one had to be mirrored.
        turned: By how many degrees one had to be turned, -180..180.
    """

    likeness: float
    overlap: float
    points: int
    mirrored: bool
    turned: int


def align(first: Appearance, second: Appearance, *, mirrored: bool) -> Agreement | None:
    """Lay the second picture on the first.

    Args:
        first: One picture.
        second: The other.
        mirrored: Whether to mirror the second before.

    Returns:
        How they agree; None where their points do not tell how to lay them.
    """
    if min(len(first.points), len(second.points)) < _MIN_POINTS:
        return None
    fit = _fit(first, second, mirrored)
    if fit is None:
        return None
    laying, points = fit
    over = second.thumbnail[:, ::-1] if mirrored else second.thumbnail
    likeness, overlap = _compare(first.thumbnail, np.ascontiguousarray(over), laying)
    turned = round(float(np.degrees(np.arctan2(laying[1, 0], laying[0, 0]))))
    return Agreement(likeness, overlap, points, mirrored, turned)


def _fit(
    first: Appearance, second: Appearance, mirrored: bool
) -> tuple[npt.NDArray[np.float64], int] | None:
    """The map (2, 3) from the second to the first, and how many points agree on it."""
    theirs = mirror(second.descriptors) if mirrored else second.descriptors
    alike = root(first.descriptors) @ root(np.asarray(theirs, np.uint8)).T
    nearest = alike.argmax(axis=1)
    shared = np.flatnonzero(alike[np.arange(len(alike)), nearest] > LIKE)
    if len(shared) < _MIN_POINTS:
        return None
    places = second.points[nearest[shared]]
    if mirrored:
        places = (second.thumbnail.shape[1] - 1, 0) + places * (-1, 1)
    fitted, agreeing = cv2.estimateAffine2D(
        places.astype(np.float32),
        first.points[shared],
        method=cv2.RANSAC,
        ransacReprojThreshold=_TOLERANCE,
        maxIters=_TRIALS,
    )
    if fitted is None or agreeing.sum() < _MIN_POINTS:
        return None
    laying = np.asarray(fitted, np.float64)
    return (laying, int(agreeing.sum())) if _is_plausible(laying) else None


def _is_plausible(laying: npt.NDArray[np.float64]) -> bool:
    part = laying[:, :2]
    if not np.isfinite(laying).all() or np.linalg.det(part) <= 0:
        return False
    most, least = np.linalg.svd(part, compute_uv=False)
    return bool(_SCALE[0] < least and most < _SCALE[1] and most < _STRETCH * least)


def _compare(
    under: ByteArray, over: ByteArray, laying: npt.NDArray[np.float64]
) -> tuple[float, float]:
    """(likeness, overlap) of two pictures, the second laid on the first."""
    size = under.shape[1], under.shape[0]
    whole = np.full(over.shape, 255, np.uint8)
    laid = np.asarray(cv2.warpAffine(over, laying, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)
    covered = cv2.warpAffine(whole, laying, size, flags=cv2.INTER_NEAREST)
    shared = covered > 0
    area = over.size * abs(float(np.linalg.det(laying[:, :2])))
    overlap = min(1.0, float(shared.sum()) / min(under.size, area))
    if shared.sum() < _MIN_OVERLAP:
        return -1.0, overlap
    one, other = _details(under)[shared], _details(laid)[shared]
    one, other = one - one.mean(), other - other.mean()
    length = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / max(length, 1e-6), overlap


def _details(picture: ByteArray) -> FloatArray:
    """float32, (rows, columns): fine structure, its contrast evened out."""
    pixels = picture.astype(np.float32)
    fine = _blurred(pixels - _blurred(pixels, _REGION), _GRAIN)
    return np.asarray(fine / (np.sqrt(_blurred(fine**2, _REGION)) + _FLAT), np.float32)


def _blurred(pixels: FloatArray, sigma: float) -> FloatArray:
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), np.float32)
