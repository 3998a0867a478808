"""An answer in the words of the app: what it says, how sure it is, and whether it counts."""

from dataclasses import dataclass

from tumorlens.prediction import Prediction, VolumePrediction
from tumorlens.reporting.wording import about_the_skull, percent, printable, spoken


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is shown of an answer, in words.

    Attributes:
        headline: The most probable class and how probable it is.
        tumor: How probable a tumor of any kind is.
        refusal: Why the scan is none that the model can answer; empty where it is one. What the
            model says then means nothing.
        classes: Those that cannot be excluded, the most probable first; empty where the model's
            card does not say how to tell, and where the scan is refused.
        advice: What to do; may be empty.
        skull: What was done about the skull; empty where it was left on.
    """

    headline: str
    tumor: str
    refusal: str = ""
    classes: tuple[str, ...] = ()
    advice: str = ""
    skull: str = ""


def read_verdict(answer: Prediction | VolumePrediction) -> Verdict:
    """An answer in words."""
    headline = f"{spoken(answer.label)} · {percent(answer.probabilities[answer.label])}"
    tumor = f"tumor of any kind: {percent(answer.tumor_probability)}"
    skull = about_the_skull(answer.skull_strip)
    if not answer.accepted:
        reason = answer.reason or "it is not like the scans that the model knows"
        return Verdict(headline, tumor, refusal=printable(reason), skull=skull)
    return Verdict(
        headline,
        tumor,
        classes=tuple(map(spoken, answer.conformal_set)),
        advice=printable(answer.advice or ""),
        skull=skull,
    )
