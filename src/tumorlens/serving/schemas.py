"""The shapes of requests and responses, for OpenAPI and for clients that are generated from it.

Responses are made by the very functions that the command line prints with; a test holds them
against these shapes. Fields that a newer model adds are let through.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tumorlens.notice import NOTICE

_PROBABILITIES: dict[str, Any] = {
    "glioma": 0.03,
    "meningioma": 0.93,
    "pituitary": 0.01,
    "no_tumor": 0.03,
}
_IDENTITY: dict[str, Any] = {"name": "default", "version": "0.1.0", "sha256": "4a512bd024ebacf5..."}
_ANSWER: dict[str, Any] = {
    "source": "scan.jpg",
    "label": "meningioma",
    "probabilities": _PROBABILITIES,
    "tumor_probability": 0.97,
    "accepted": True,
    "reason": None,
    "conformal_set": ["meningioma"],
    "advice": None,
    "skull_strip": None,
    "tta": False,
    "model": _IDENTITY,
}
_PROBLEM: dict[str, Any] = {
    "code": "scan_corrupt",
    "expected": "a whole and readable JPEG picture",
    "found": "truncated or damaged data, or a rare variant (OSError)",
    "remedy": "Copy or export the file again, and check that another viewer opens it.",
}


_B64 = (  # a disc with a spot, so that the examples can be sent as they are
    "iVBORw0KGgoAAAANSUhEUgAAACAAAAAgCAAAAABWESUoAAAAnklEQVR42qWTQRKAIAhFf0zH4jitOBCrjsPBWmQJ"
    "gjVNLBz1P/nKIPA3lrBSAIDMAAVg4IgsXrc2Y0dQocOaVwCcHgiqdE9Q30IkIqC5AG1rzQk2ADuMx1d4/RwcoFWR"
    "1WewrNvMYogM7PcQXjESDxleLWqAsxIKJdVZ+XYHnjhcgMwcugXXCW5AItHbllARrq0JBeHb/svHqb/e/zgAaJUi"
    "ELyEs4QAAAAASUVORK5CYII="
)
_SCAN: dict[str, Any] = {"b64": _B64, "name": "scan.png"}
_TENSOR: dict[str, Any] = {
    "name": "scan",
    "shape": [1],
    "datatype": "BYTES",
    "data": [_B64],
}
_INFERRED: dict[str, Any] = {
    "id": "1",
    "model_name": "default",
    "model_version": "0.1.0",
    "outputs": [_TENSOR | {"name": "label", "data": ["meningioma"]}],
}


class _Shape(BaseModel):
    model_config = ConfigDict(extra="allow", protected_namespaces=())


class Identity(_Shape):
    """Which model answered."""

    name: str
    version: str
    sha256: str = Field(description="Of the ONNX graph.")


class Judgement(_Shape):
    """What every answer says."""

    label: str = Field(description="The most probable class.")
    probabilities: dict[str, float] = Field(description="By class, calibrated, summing to 1.")
    accepted: bool | None = Field(
        None,
        description="Whether it looks like a brain MRI; if not, the rest means nothing.",
    )
    reason: str | None = Field(None, description="Why it is not accepted.")
    conformal_set: list[str] | None = Field(
        None, description="Classes that cannot be excluded, the most probable first."
    )
    advice: str | None = Field(
        None, description="To refer to a radiologist, where more than one class is left."
    )


class SliceJudgement(Judgement):
    """One slice of a volume."""

    index: int = Field(ge=0, description="0-based.")


class Answer(Judgement):
    """The answer about a slice or a volume."""

    model_config = ConfigDict(
        extra="allow", protected_namespaces=(), json_schema_extra={"examples": [_ANSWER]}
    )

    source: str = Field(description="The file's name, as it was sent.")
    tumor_probability: float = Field(ge=0, le=1, description="1 - P(no_tumor).")
    skull_strip: str | None = Field(
        None, description="By what the skull was taken off first; null where it was left on."
    )
    tta: bool = Field(
        False, description="Whether its mirror image was answered too (test-time augmentation)."
    )
    model: Identity
    outline: dict[str, Any] | None = Field(
        None,
        description="The tumor's area, diameter and place, where the model outlines; of a volume "
        "those in `largest_slice`, beside `volume_ml`; `outlined_by` names the model for whole "
        "heads that outlined, null where `model` did.",
    )
    slices: list[SliceJudgement] | None = Field(
        None, description="Of a volume: every slice that was judged, in order."
    )
    suspicious: list[int] | None = Field(
        None, description="Of a volume: the slices that look most like a tumor, first the most."
    )
    joined_by: str | None = Field(
        None,
        description="Of a volume: `sequence` where a network judged its slices together, "
        "`stretch` where the answer is the mean of the most suspicious neighbouring slices.",
    )


class Problem(_Shape):
    """What was expected, what was found, and what to do."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PROBLEM]})

    code: str
    expected: str
    found: str
    remedy: str


class Failure(_Shape):
    """Why there is no answer."""

    error: Problem


class Refused(Failure):
    """Why there is no answer about one file of several."""

    source: str


class BatchAnswer(_Shape):
    """One entry a file, in order."""

    answers: list[Answer | Refused]


class SlicePictures(_Shape):
    """One slice as the page shows it."""

    index: int | None = Field(description="0-based; null for a scan of its own.")
    label: str
    probabilities: dict[str, float]
    tumor_probability: float
    aspect: float = Field(description="Width by height in mm.")
    scan: str = Field(description="Data URI: the slice in gray.")
    accepted: bool
    reason: str | None
    heatmap: str = Field(description="Data URI: the evidence for `target`, transparent where none.")
    outline: str | None = Field(description="Data URI: the tumor's outline; null without one.")
    target: str


class View(_Shape):
    """An answer with the pictures of every judged slice, so that nothing need be kept."""

    answer: Answer
    opacity: float = Field(description="Of the heatmap in the report's overlays.")
    slices: list[SlicePictures]


class Health(_Shape):
    """Whether the service is there."""

    status: str = Field(examples=["ready"])


class ModelCard(_Shape):
    """The model's card, as in ``card.json``."""

    name: str
    version: str
    classes: list[str]
    sha256: str
    network: str
    intended_use: str
    limitations: list[str]
    licence: str
    scores: dict[str, Any]
    notice: str = Field(examples=[NOTICE])


class Base64Scan(_Shape):
    """One scan in a JSON request."""

    b64: str = Field(description="The whole file in base64.")
    name: str = Field("upload", description="Comes back as `source`.")


class Instances(_Shape):
    """A request as Vertex AI and TensorFlow Serving send it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"instances": [_SCAN]}]})

    instances: list[Base64Scan] = Field(fail_fast=True)


class Predictions(_Shape):
    """One entry an instance, in order."""

    predictions: list[Answer | Refused]


class Tensor(_Shape):
    """An input or output of the Open Inference Protocol."""

    name: str
    shape: list[int] = Field(fail_fast=True)
    datatype: str
    data: list[Any] = Field(description="Flat or nested.")


class Wanted(_Shape):
    """An output that is asked for."""

    name: str


class InferRequest(_Shape):
    """A request of the Open Inference Protocol."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": "1", "inputs": [_TENSOR]}]})

    id: str | None = None
    inputs: list[Tensor] = Field(fail_fast=True)
    outputs: list[Wanted] | None = Field(
        None, fail_fast=True, description="All of them where left out."
    )


class InferResponse(_Shape):
    """A response of the Open Inference Protocol."""

    model_config = ConfigDict(json_schema_extra={"examples": [_INFERRED]})

    id: str | None = None
    model_name: str
    model_version: str
    outputs: list[Tensor]


class InferError(_Shape):
    """An error of the Open Inference Protocol."""

    error: str
