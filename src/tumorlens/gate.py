"""Is it a brain MRI at all? What a model's gate refuses, it refuses with a reason.

Two checks, each a few numbers on what the graph returned anyway and on the picture itself; one
that fails refuses:

- ``likeness``: how much more embedding, gray levels and the coarse shape of the picture are like
  other pictures than like brain MRI, as the log odds of a logistic regression, and added to them
  a linear discriminant of gray levels, symmetry and edges alone: X-ray and CT have bone at one
  white level, charts have paper;
- ``distance``: Mahalanobis distance of the embedding, scaled to length 1, from the training
  scans (K. Lee and others, "A Simple Unified Framework for Detecting Out-of-Distribution
  Samples and Adversarial Attacks", NeurIPS 2018, arXiv:1807.03888), with the covariance of
  probabilistic principal components (M. Tipping and C. Bishop, JRSS B 1999). Its logarithm goes
  into the likeness; its own limit refuses what lies far from all that was ever shown.
"""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from tumorlens.errors import ModelCorruptError
from tumorlens.scan import FloatArray
from tumorlens.verified_file import read_verified

GATE_FILE = "gate.npz"
CHECKS = ("distance", "likeness")

_WORDS = {
    "distance": "distance from the training scans {:.2f}",
    "likeness": "likeness to other pictures {:.2f}",
}
GRAY = 27
"""How many of `picture_figures` tell of gray levels; the rest is shape."""

_HEAD = 5  # levels (of 255) up to this are background
_LEVELS = np.linspace(_HEAD + 1, 251, 13).astype(int)
_SHAPE = 14  # cells a side of the coarse shape
_SOLID = 16  # levels above this are part of the silhouette
_FAR = 8.0  # standard deviations at which a figure is cut off
_LEAST = 1e-6  # of a distance, whose logarithm is taken
_QUANTILES = np.array([0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95])


@dataclass(frozen=True, slots=True)
class GateCard:
    """What the card says of a gate.

    Attributes:
        sha256: Of ``gate.npz``, in hexadecimal.
        limits: For each check the largest value that is let through.
        measured: The part of other pictures that is refused, by kinds left out of the fitting,
            and of brain scans that is lost.
    """

    sha256: str
    limits: Mapping[str, float]
    measured: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The fields by name, as they stand in the card."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """From a card's values.

        Raises:
            KeyError, TypeError, ValueError: A field is absent or of the wrong type.
        """
        limits = {check: float(values["limits"][check]) for check in CHECKS}
        return cls(str(values["sha256"]), limits, dict(values.get("measured", {})))


@dataclass(frozen=True, slots=True, eq=False)
class GateNumbers:
    """What ``gate.npz`` holds; all float32.

    Attributes:
        center: (channels,), mean of the training scans' embeddings, each of length 1.
        scale: (channels,), their standard deviation.
        axes: (components, channels), orthonormal.
        stretch: (components,): what each axis adds to the squared distance beyond ``rest``.
        rest: (1,): squared distance for a step of 1 off all axes.
        figures_center: (figures,), mean of `picture_figures` of the training scans.
        figures_scale: (figures,), their standard deviation.
        likeness: (channels + figures + 2,), weights, one for the logarithm of the distance, and
            a constant.
    """

    center: FloatArray
    scale: FloatArray
    axes: FloatArray
    stretch: FloatArray
    rest: FloatArray
    figures_center: FloatArray
    figures_scale: FloatArray
    likeness: FloatArray

    def measure(self, embedding: FloatArray, figures: FloatArray) -> dict[str, FloatArray]:
        """Every check's value for N pictures: float32, (N,) each.

        Args:
            embedding: float32, (N, channels), from the graph.
            figures: float32, (N, figures), from `picture_figures`.
        """
        place = (unit_length(embedding) - self.center) / self.scale
        squared = (place**2).sum(axis=1) * self.rest + (place @ self.axes.T) ** 2 @ self.stretch
        distance = np.sqrt(np.maximum(squared, 0) / len(self.center))
        seen = within_reach((figures - self.figures_center) / self.figures_scale)
        inputs = np.concatenate([place, seen, log_distance(distance)[:, np.newaxis]], axis=1)
        return {
            "distance": distance,
            "likeness": inputs @ self.likeness[:-1] + self.likeness[-1],
        }


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the gate says of one picture.

    Attributes:
        scores: Each check's value, to be held against its limit.
        reason: Why the picture is refused; None where it is let through.
    """

    scores: Mapping[str, float]
    reason: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Gate:
    """A model's gate: its numbers, and the limits from the card."""

    numbers: GateNumbers
    limits: Mapping[str, float]

    def judge(self, embedding: FloatArray, pictures: FloatArray) -> list[Judgement]:
        """Judge N pictures, in order.

        Args:
            embedding: float32, (N, channels), from the graph.
            pictures: float32, (N, size, size), 0..1, as prepared for the graph.
        """
        values = self.numbers.measure(embedding, picture_figures(pictures, embedding))
        rows = ({check: float(values[check][n]) for check in CHECKS} for n in range(len(pictures)))
        return [Judgement(scores, self._reason(scores)) for scores in rows]

    def _reason(self, values: Mapping[str, float]) -> str | None:
        """The check that is missed by most of its limit, in words."""
        excess = {
            check: (values[check] - limit) / max(abs(limit), 1e-6)
            for check, limit in self.limits.items()
        }
        worst = max(excess, key=lambda check: excess[check])
        # A value that is no number compares as neither: it is refused.
        if all(values[check] <= limit for check, limit in self.limits.items()):
            return None
        words = _WORDS[worst].format(values[worst])
        return f"does not look like a brain MRI: {words}, allowed {self.limits[worst]:.2f}"


def unit_length(embedding: FloatArray) -> FloatArray:
    """Embeddings (N, channels), each scaled to length 1."""
    length = np.linalg.norm(embedding, axis=1, keepdims=True)
    return np.asarray(embedding / np.maximum(length, 1e-12), np.float32)


def log_distance(distance: FloatArray) -> FloatArray:
    """The logarithm of distances, with an end for those of nothing."""
    return np.asarray(np.log(np.maximum(distance, _LEAST)), np.float32)


def within_reach(figures: FloatArray) -> FloatArray:
    """Standardised figures, cut off where they are far out; what is no number is kept."""
    return np.asarray(np.clip(figures, -_FAR, _FAR), np.float32)


def picture_figures(pictures: FloatArray, embedding: FloatArray) -> FloatArray:
    """What prepared pictures look like, as figures a linear check can use.

    Args:
        pictures: float32, (N, size, size), 0..1.
        embedding: float32, (N, channels); how strongly the network answers is a figure too.

    Returns:
        float32, (N, figures). The first `GRAY` tell of gray levels: the logarithm of the
        embedding's length, share of white and nearly white pixels (logarithms), of the square
        that is filled, quantiles and histogram of the filled part, asymmetry and edges. The
        others are the silhouette and the picture itself, both coarse.
    """
    strength = np.log(np.linalg.norm(embedding, axis=1) + 1e-6)
    rows = [
        [value, *_gray_of_one(picture), *_shape_of_one(picture)]
        for picture, value in zip(pictures, strength, strict=True)
    ]
    return np.array(rows, np.float32)


def _shape_of_one(picture: FloatArray) -> npt.NDArray[np.float32]:
    levels = Pillow.fromarray(np.rint(picture * 255).astype(np.uint8))
    fine = levels.resize((4 * _SHAPE, 4 * _SHAPE), Pillow.Resampling.BOX)
    solid = (np.asarray(fine) > _SOLID).reshape(_SHAPE, 4, _SHAPE, 4).mean(axis=(1, 3))
    coarse = np.asarray(levels.resize((_SHAPE, _SHAPE), Pillow.Resampling.BOX)) / 255
    return np.concatenate([solid.ravel(), coarse.ravel()]).astype(np.float32)


def _gray_of_one(picture: FloatArray) -> list[float]:
    levels = np.rint(picture * 255).astype(np.uint8)
    counts = np.bincount(levels.ravel(), minlength=256)[_HEAD + 1 :]
    filled = int(counts.sum()) + 1
    running = np.cumsum(counts) / filled
    across = np.abs(np.diff(picture, axis=1))
    asymmetry = np.abs(picture - picture[:, ::-1])
    return [
        float(np.log(counts[253 - _HEAD - 1 :].sum() / filled + 1e-3)),
        float(np.log(counts[230 - _HEAD - 1 :].sum() / filled + 1e-3)),
        filled / picture.size,
        *(np.searchsorted(running, _QUANTILES) / 255),
        *np.sqrt(np.add.reduceat(counts, _LEVELS - _HEAD - 1) / filled),
        float(asymmetry.sum()) / filled,
        float(across.sum()) / filled,
        int((across > 0.2).sum()) / filled,
    ]


def read_gate(folder: Path, card: GateCard) -> Gate:
    """Read and verify a model folder's gate.

    Raises:
        ModelMissingError: There is no ``gate.npz``.
        ModelCorruptError: Its hash is not the card's, or it does not hold a gate.
    """
    path = folder / GATE_FILE
    data = read_verified(path, card.sha256, what="a gate")
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            numbers = GateNumbers(**{one.name: arrays[one.name] for one in fields(GateNumbers)})
        weights = len(numbers.center) + len(numbers.figures_center) + 2
        if len(numbers.likeness) != weights:
            raise ValueError(f"{len(numbers.likeness)} weights of the likeness, not {weights}")
    except Exception as error:  # zipfile and NumPy raise many types
        raise ModelCorruptError(
            expected="the numbers of a gate of this version of tumorlens",
            found=str(error),
            remedy="Fit it again: python tools/fit_confidence.py MODEL --data DATA --split SPLIT",
            source=str(path),
        ) from error
    return Gate(numbers, card.limits)


def write_gate(folder: Path, numbers: GateNumbers) -> str:
    """Write ``gate.npz``, aside first and then renamed; returns its SHA-256."""
    buffer = io.BytesIO()
    arrays = {one.name: getattr(numbers, one.name) for one in fields(GateNumbers)}
    np.savez(buffer, **arrays)
    aside = folder / f"{GATE_FILE}.partial"
    aside.write_bytes(buffer.getvalue())
    aside.replace(folder / GATE_FILE)
    return hashlib.sha256(buffer.getvalue()).hexdigest()
