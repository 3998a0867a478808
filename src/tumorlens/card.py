"""The model's card: all that is needed to use its graph rightly, and to know what it is."""

import hashlib
import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from tumorlens.calibration import Curve, checked_curve
from tumorlens.conformal import Conformal
from tumorlens.errors import ConfigError, ModelCorruptError, ModelError, ModelMissingError
from tumorlens.gate import GateCard
from tumorlens.model_identity import ModelIdentity
from tumorlens.notice import NOTICE
from tumorlens.preparation import Preparation
from tumorlens.slice_sequence import SequenceCard

CARD_FILE = "card.json"
CLASSIFY, OUTLINE_VOLUME = "classify", "outline_volume"
"""Kinds of models: a card that names none is a classifier's."""

FORMAT_VERSION = 1
"""Raised when a card of the new kind would be misread by an older tumorlens."""


@dataclass(frozen=True, slots=True)
class QuantizedGraph:
    """What the card says of the graph with 8-bit weights and activations.

    Attributes:
        sha256: Of ``model.int8.onnx``, in hexadecimal.
        measured: Accuracy of both graphs on validation patients, how often they agree, and what
            it was calibrated on.
    """

    sha256: str
    measured: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """From a card's values.

        Raises:
            KeyError, TypeError, ValueError: A field is absent or of the wrong type.
        """
        return cls(str(values["sha256"]), dict(values.get("measured", {})))


@dataclass(frozen=True, slots=True)
class Card:
    """A model's card, as read from ``card.json``.

    Attributes:
        name: The model's name.
        version: Of this training, such as ``0.1.0``.
        classes: Their names in the order of the graph's outputs.
        preparation: How a scan becomes the graph's input.
        temperature: Logits are divided by this before softmax (C. Guo and others, "On
            Calibration of Modern Neural Networks", ICML 2017), above 0.
        curve: What maps the largest probability after that, so that it is right as often as it
            says (`tumorlens.calibration.bend`); empty where the temperature is enough.
        sha256: Of ``model.onnx``, in hexadecimal.
        network: Its name in the lab.
        explanation: How heatmaps are made: ``grad-cam``.
        created: Date of the export, ISO 8601.
        intended_use: What the model is for, and for whom.
        limitations: What is known to fail or was never tested.
        licence: Of the weights.
        data: Per data set: source, licence, numbers of pictures and patients in each part.
        training: The run's settings, and the command that repeats it.
        scores: On validation patients, with the command that gives them; empty before the
            first evaluation.
        calibration: Expected calibration error on groups left out of the temperature's fitting;
            empty where it was not measured.
        conformal: What the sets of classes are made by; None in older cards, and then answers
            have an empty set.
        gate: What refuses pictures that are no brain MRI; None in older cards, and then every
            picture is accepted.
        int8: The quicker graph beside the first; None where there is none.
        sequence: What judges the slices of a volume together; None in older cards, and then a
            volume is judged slice by slice.
        notice: That this is no medical device.
        format_version: Of the card's own layout.
    """

    name: str
    version: str
    classes: tuple[str, ...]
    preparation: Preparation
    temperature: float
    sha256: str
    network: str
    curve: Curve = ()
    explanation: str = "grad-cam"
    created: str = ""
    intended_use: str = ""
    limitations: tuple[str, ...] = ()
    licence: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, Any] = field(default_factory=dict)
    calibration: Mapping[str, Any] = field(default_factory=dict)
    conformal: Conformal | None = None
    gate: GateCard | None = None
    int8: QuantizedGraph | None = None
    sequence: SequenceCard | None = None
    notice: str = NOTICE
    format_version: int = FORMAT_VERSION

    @property
    def identity(self) -> ModelIdentity:
        """Which model it is."""
        return ModelIdentity(self.name, self.version, self.sha256)

    @property
    def learnt_from(self) -> tuple[str, ...]:
        """Names of the data sets that it was trained on, of which a picture trained."""
        trained = ((name, one.get("training") or {}) for name, one in self.data.items())
        return tuple(name for name, part in trained if part.get("pictures") != 0)

    @property
    def digest(self) -> str:
        """SHA-256 of the whole card: all that decides an answer, and not the graph alone."""
        text = json.dumps(self.to_json(), sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """The card as JSON values."""
        return asdict(self) | {"preparation": self.preparation.to_json()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any], *, source: str = "") -> Self:
        """A card from JSON values.

        Raises:
            ModelCorruptError: A field is absent or unknown, or the card is of a newer format.
        """
        if (found := values.get("format_version")) != FORMAT_VERSION:
            raise ModelCorruptError(
                expected=f"a card of format {FORMAT_VERSION}",
                found=f"format {found}",
                remedy="Install a tumorlens that is as new as the model.",
                source=source,
            )
        try:
            preparation = dict(values["preparation"])
            preparation["percentiles"] = tuple(preparation["percentiles"])
            typed = {
                "classes": tuple(values["classes"]),
                "preparation": Preparation(**preparation),
                "temperature": float(values["temperature"]),
                "curve": checked_curve(values.get("curve", ())),
                "limitations": tuple(values.get("limitations", ())),
                "conformal": _conformal(values),
                "gate": GateCard.from_json(values["gate"]) if values.get("gate") else None,
                "int8": QuantizedGraph.from_json(values["int8"]) if values.get("int8") else None,
                "sequence": _sequence(values),
            }
            card = cls(**{**values, **typed})
            if not (card.temperature > 0 and card.classes and card.preparation.size > 0):
                raise ValueError("temperature, classes and size must not be zero or empty")
            return card
        except (ConfigError, KeyError, TypeError, ValueError) as error:
            raise ModelCorruptError(
                expected=f"the fields {', '.join(f.name for f in fields(cls))}",
                found=f"a mistake in them ({error})",
                remedy="Export the model again, or restore its card.json.",
                source=source,
            ) from error


def _conformal(values: Mapping[str, Any]) -> Conformal | None:
    found = values.get("conformal")
    return Conformal.from_json(found, classes=values["classes"]) if found else None


def _sequence(values: Mapping[str, Any]) -> SequenceCard | None:
    found = values.get("sequence")
    return SequenceCard.from_json(found) if found else None


def read_card(folder: Path) -> Card:
    """Read the card of a model folder.

    Raises:
        ModelMissingError: There is no ``card.json``.
        ModelCorruptError: It is no JSON object of the right fields.
        ModelError: The model is none that names the tumor.
    """
    values = _read_json(folder)
    if (kind := values.get("kind", CLASSIFY)) != CLASSIFY:
        raise ModelError(
            expected="a model that names the tumor",
            found=f"one of the kind {kind}",
            remedy="Give another model; this one outlines volumes: tumorlens segment CASE --model.",
            source=str(folder),
        )
    return Card.from_json(values, source=str(folder / CARD_FILE))


def kind_of(folder: Path) -> str:
    """What a model folder's model is for: ``classify`` or ``outline_volume``.

    Raises:
        ModelMissingError: There is no ``card.json``.
        ModelCorruptError: It is no JSON object.
    """
    return str(_read_json(folder).get("kind", CLASSIFY))


def _read_json(folder: Path) -> dict[str, Any]:
    path = folder / CARD_FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelMissingError(
            expected=f"a model folder with model.onnx and {CARD_FILE}",
            found=f"no readable {CARD_FILE} in {folder}",
            remedy=_instead(folder),
            source=str(folder),
        ) from error
    except ValueError as error:
        raise _not_json(path, str(error)) from error
    if not isinstance(values, dict):
        raise _not_json(path, f"a {type(values).__name__}")
    return values


def _instead(folder: Path) -> str:
    """What to do about a folder that is no model."""
    if (folder / "model" / CARD_FILE).is_file():
        return f"This is a run: give {(folder / 'model').as_posix()}."
    if (folder / "configs" / "metadata.json").is_file():
        made = f"tumorlens import-bundle {shlex.quote(folder.as_posix())} --output MODEL"
        return f"This is a MONAI bundle: `{made}` makes a model folder of it."
    return "Give the folder that `tumorlens train` wrote (RUN/model)."


def write_card(folder: Path, card: Card) -> None:
    """Write ``card.json``: aside first, then renamed."""
    write_json(folder, card.to_json())


def write_json(folder: Path, values: Mapping[str, Any]) -> None:
    """Write the values of any kind of card as ``card.json``."""
    aside = folder / f"{CARD_FILE}.partial"
    text = json.dumps(values, indent=2, ensure_ascii=False)
    aside.write_text(text + "\n", encoding="utf-8")
    aside.replace(folder / CARD_FILE)


def _not_json(path: Path, found: str) -> ModelCorruptError:
    return ModelCorruptError(
        expected="a JSON object",
        found=found,
        remedy="Export the model again, or restore its card.json.",
        source=str(path),
    )
