"""The card of a model that outlines the regions of a tumor in volumes."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from tumorlens.card import CARD_FILE, OUTLINE_VOLUME, kind_of, write_json
from tumorlens.errors import ModelCorruptError
from tumorlens.model_identity import ModelIdentity
from tumorlens.notice import NOTICE
from tumorlens.reading.case import SEQUENCES
from tumorlens.volume_outlining.regions import REGIONS

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class VolumeCard:
    """What a model for volumes is, and all that is needed to use its graph rightly.

    Attributes:
        name: The model's name.
        version: Of this training.
        sequences: In the order of the graph's input channels.
        regions: Short names (`tumorlens.volume_outlining.regions`), in the order of its outputs.
        patch: Voxels along the three axes of the graph's input, in the order of ``axes``.
        spacing_mm: Of the grid it looks at, likewise; other volumes are resampled.
        axes: Where indices grow to along the three axes: ``LPS`` is left, back, head.
        overlap: Of neighbouring patches, in [0, 1).
        flips: Whether answers are averaged over the eight mirrored copies, if not said otherwise.
        sequence_dropout: The probability with which a sequence was left out in training; above 0
            the model also answers where one is missing.
        clears_background: Whether what lies around a head with its skull on is made 0 first.
        sha256: Of ``model.onnx``, in hexadecimal.
        network: Its name in the lab.
        created: Date of the export, ISO 8601.
        intended_use: What the model is for, and for whom.
        limitations: What is known to fail or was never tested.
        licence: Of the weights.
        data: What it was trained on.
        training: The run's settings.
        scores: Dice and 95 % Hausdorff distance on validation patients, by region.
        notice: That this is no medical device.
        kind: ``outline_volume``: how the folder is told from that of a classifier.
        format_version: Of the card's own layout.
    """

    name: str
    version: str
    sequences: tuple[str, ...]
    regions: tuple[str, ...]
    patch: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    axes: str
    overlap: float
    flips: bool
    sequence_dropout: float
    sha256: str
    network: str
    clears_background: bool = False
    created: str = ""
    intended_use: str = ""
    limitations: tuple[str, ...] = ()
    licence: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, Any] = field(default_factory=dict)
    notice: str = NOTICE
    kind: str = OUTLINE_VOLUME
    format_version: int = FORMAT_VERSION

    @property
    def identity(self) -> ModelIdentity:
        """Which model it is."""
        return ModelIdentity(self.name, self.version, self.sha256)

    @property
    def datasets(self) -> frozenset[str]:
        """Names of the data sets that it learnt from or was validated on, as far as is known."""
        known = set(self.scores.get("per_dataset", ()))
        for part in self.data.values():
            known |= set(part.get("datasets", ())) if isinstance(part, Mapping) else set()
        return frozenset(known)

    @classmethod
    def from_json(cls, values: Mapping[str, Any], *, source: str = "") -> Self:
        """A card from JSON values.

        Raises:
            ModelCorruptError: A field is absent, unknown or wrong, or the format is newer.
        """
        try:
            typed = {
                "sequences": _known(values["sequences"], SEQUENCES),
                "regions": _known(values["regions"], REGIONS),
                "patch": _three(int, values["patch"]),
                "spacing_mm": _three(float, values["spacing_mm"]),
                "limitations": tuple(values.get("limitations", ())),
            }
            card = cls(**{**values, **typed})
            _check(card)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelCorruptError(
                expected=f"the fields {', '.join(f.name for f in fields(cls))}, "
                f"of format {FORMAT_VERSION}",
                found=f"a mistake in them ({error})",
                remedy="Export the model again, restore its card.json, or install a tumorlens "
                "that is as new as the model.",
                source=source,
            ) from error
        return card


def read_volume_card(folder: Path) -> VolumeCard:
    """Read the card of a model folder.

    Raises:
        ModelMissingError: There is no ``card.json``.
        ModelCorruptError: It is no card of a model for volumes.
    """
    path = folder / CARD_FILE
    if (kind := kind_of(folder)) != OUTLINE_VOLUME:
        raise ModelCorruptError(
            expected=f"a model of the kind {OUTLINE_VOLUME}",
            found=f"one of the kind {kind}",
            remedy="Give the folder that `tumorlens train` wrote for such a config.",
            source=str(path),
        )
    return VolumeCard.from_json(json.loads(path.read_text(encoding="utf-8")), source=str(path))


def write_volume_card(folder: Path, card: VolumeCard) -> None:
    """Write ``card.json``: aside first, then renamed."""
    write_json(folder, asdict(card))


def _known(names: Any, known: Mapping[str, Any] | tuple[str, ...]) -> tuple[str, ...]:
    given = tuple(names)
    if not given or len(set(given)) != len(given) or any(name not in known for name in given):
        raise ValueError(f"{given} instead of some of {', '.join(known)}, each once")
    return given


def _three(kind: Any, values: Any) -> Any:
    first, second, third = (kind(value) for value in values)
    if not min(first, second, third) > 0:
        raise ValueError(f"{values} instead of three numbers above 0")
    return first, second, third


def _check(card: VolumeCard) -> None:
    if card.format_version != FORMAT_VERSION:
        raise ValueError(f"format {card.format_version}")
    pairs = zip(card.axes, ("RL", "AP", "SI"), strict=True)
    if not all(letter in pair for letter, pair in pairs):
        raise ValueError(f"axes {card.axes} instead of a word such as LPS")
    if not 0 <= card.overlap < 1:
        raise ValueError(f"an overlap of {card.overlap}")
    _check_scores(card.scores, card.regions)


def _check_scores(scores: Any, regions: tuple[str, ...]) -> None:
    """Pages show two means of each region; regions without scores and other scores are let be.

    The mean distance is None where the sizes of the voxels were unknown.
    """
    if not isinstance(scores, Mapping):
        raise ValueError(f"{scores} instead of scores by region")
    for region in scores.keys() & set(regions):
        if not all(_has_mean(scores[region], of) for of in ("dice", "hd95_mm")):
            raise ValueError(f"scores of {region} without the means of dice and hd95_mm")


def _has_mean(scores: Any, of: str) -> bool:
    try:
        kinds = int | float | None if of == "hd95_mm" else int | float
        return isinstance(scores[of]["mean"], kinds)
    except (KeyError, TypeError):
        return False
