"""An answer in the words of the app: what it says, how sure it is, and whether it counts."""

from dataclasses import dataclass

from tumorlens.prediction import Prediction, VolumePrediction
from tumorlens.reporting.wording import how_answered, percent, printable, spoken


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
        how: What was done to the scan beyond the usual; empty where nothing was.
    """

    headline: str
    tumor: str
    refusal: str = ""
    classes: tuple[str, ...] = ()
    advice: str = ""
    how: str = ""


def read_verdict(answer: Prediction | VolumePrediction) -> Verdict:
    """An answer in words."""
    headline = f"{spoken(answer.label)} · {percent(answer.probabilities[answer.label])}"
    tumor = f"tumor of any kind: {percent(answer.tumor_probability)}"
    how = how_answered(answer)
    if not answer.accepted:
        reason = answer.reason or "it is not like the scans that the model knows"
        return Verdict(headline, tumor, refusal=printable(reason), how=how)
    return Verdict(
        headline,
        tumor,
        classes=tuple(map(spoken, answer.conformal_set)),
        advice=printable(answer.advice or ""),
        how=how,
    )
