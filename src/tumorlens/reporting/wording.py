"""Names and numbers as people read them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tumorlens.answer import Prediction, VolumePrediction
    from tumorlens.measured_outline import Outline, VolumeOutline
    from tumorlens.model_identity import ModelIdentity


SLICE_NUMBERS = (
    "slices are counted from 0: axial ones from the feet up, coronal ones from the back, sagittal "
    "ones from the patient's left"
)
"""How `tumorlens.scan.Volume` has them, whatever order the file or another viewer counts in."""


PICTURE_SIDES = (
    "places are those in the picture: where the file tells its orientation, left in axial and "
    "coronal slices is the patient's right"
)
"""How an outline's ``side`` and ``height`` are meant."""


def printable(text: str) -> str:
    r"""Text without anything invisible, so that no file name can disturb a terminal or a page.

    Control characters, line breaks, changes of the writing direction and bytes that are no
    text are spelled as escapes, such as ``\x1b`` and ``\udcfc``.
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def spoken(label: str) -> str:
    """A class's name in words: ``no_tumor`` as ``no tumor``."""
    return printable(label.replace("_", " "))


def also_possible(label: str, conformal_set: tuple[str, ...]) -> str:
    """The classes beside the answer that cannot be excluded, in words; empty without any."""
    return ", ".join(spoken(name) for name in conformal_set if name != label)


def how_answered(answer: "Prediction | VolumePrediction") -> str:
    """What was done to the scan beyond the usual, in sentences; empty where nothing was."""
    mirrored = "Answered with its mirror image too (test-time augmentation)." if answer.tta else ""
    return " ".join(filter(None, (skull_words(answer.skull_strip), mirrored)))


def skull_words(method: str | None) -> str:
    """By what the skull was taken off, as a sentence; empty where it was left on."""
    return f"Answered without the skull, taken off by {printable(method)}." if method else ""


def percent(probability: float) -> str:
    """A probability as ``93.1 %``; nothing short of certain is rounded to 0 or 100."""
    if 0 < probability < 0.0005:
        return "<0.1 %"
    if 0.9995 <= probability < 1:
        return ">99.9 %"
    return f"{probability * 100:.1f} %"


def describe_outline(outline: "Outline", *, by: "ModelIdentity | None" = None) -> str:
    """An outline's size and place: ``3.2 % of the head, ..., upper left of the picture``.

    Args:
        outline: Of a slice.
        by: The model for whole heads that outlined, if one did: ``..., by whole_tumor 0.1.0``.
    """
    facts = [f"{outline.area_percent:.1f} % of the head"]
    if outline.area_mm2 is not None and outline.diameter_mm is not None:
        facts += [f"{outline.area_mm2:.0f} mm²", f"{outline.diameter_mm:.0f} mm across"]
    words = dict.fromkeys(word for word in (outline.height, outline.side) if word)
    place = [f"{' '.join(words)} of the picture"] if words else []
    named = [f"by {name_of(by)}"] if by else []
    return ", ".join([*facts, *place, *named])


def describe_volume_outline(outline: "VolumeOutline") -> str:
    """A volume's outline in sentences: how large, where it is largest, by what, and its notes."""
    said = ["Nothing is outlined."]
    if outline.outline is not None:
        size = "" if outline.volume_ml is None else f"{outline.volume_ml:.1f} ml, "
        largest = describe_outline(outline.outline, by=outline.outlined_by)
        said = [f"Outline: {size}largest in slice {outline.largest}: {largest}."]
    notes = (printable(f"{note[:1].upper()}{note[1:]}.") for note in outline.notes)
    return " ".join([*said, *notes])


def name_of(model: "ModelIdentity") -> str:
    """A model's name and version."""
    return printable(f"{model.name} {model.version}")
