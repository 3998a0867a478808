"""A model folder's answers about prepared pictures, exactly as the runtime gives them."""

import numpy as np

from tumorlens.lab.pictures import ByteArray
from tumorlens.lab.progress import Progress, silent
from tumorlens.model import Model
from tumorlens.prediction import calibrated
from tumorlens.scan import FloatArray

_BATCH = 32


def answer_pictures(
    model: Model,
    pixels: ByteArray,
    *,
    progress: Progress = silent,
) -> FloatArray:
    """Calibrated probabilities: float32, (pictures, classes).

    Args:
        model: As loaded by the runtime.
        pixels: uint8, (pictures, size, size), prepared as the model's card says.
        progress: Called with (done, total) after every batch.
    """
    rows = []
    for start in range(0, len(pixels), _BATCH):
        batch = pixels[start : start + _BATCH, np.newaxis].astype(np.float32) / np.float32(255)
        rows.append(calibrated(model.run(batch).logits, model.card))
        progress(min(start + _BATCH, len(pixels)), len(pixels))
    return np.concatenate(rows)
