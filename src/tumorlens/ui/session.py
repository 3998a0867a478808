"""What one visitor's session holds: the uploads, their answers, and the one scan that is open.

Nothing of it is written anywhere; it is gone when the session ends. Of all inputs only the one
that is looked at is kept decoded, and one is read and answered at a time in the whole app, so that
many visitors with large volumes do not take the memory together.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from tumorlens.errors import ScanError
from tumorlens.model import Model
from tumorlens.outlining import VolumeOutline, outline_volume
from tumorlens.prediction import Prediction, VolumePrediction, predict
from tumorlens.reading import Limits
from tumorlens.scan import Scan, Volume
from tumorlens.ui.inputs import Input, Upload, find_inputs, read_input

Answer = Prediction | VolumePrediction
Outcome = Answer | ScanError
"""The answer about an input, or why there is none."""

_TURN = threading.Lock()


@dataclass(slots=True)
class Session:
    """One visitor's uploads and answers.

    Attributes:
        inputs: What there is to read in the uploads.
    """

    inputs: tuple[Input, ...] = ()
    _outcomes: dict[tuple[str, str], Outcome] = field(default_factory=dict)
    _opened: tuple[str, Scan | Volume] | None = None
    _outlined: tuple[tuple[str, str], VolumeOutline] | None = None

    def take(self, uploads: Sequence[Upload], *, limits: Limits) -> None:
        """Take these uploads instead of the earlier ones, and forget what was only in those."""
        with _TURN:
            self.inputs = find_inputs(uploads, limits=limits)
        keys = {one.key for one in self.inputs}
        self._outcomes = {key: one for key, one in self._outcomes.items() if key[0] in keys}
        self._opened = self._outlined = None

    def waiting(self, model: Model) -> list[Input]:
        """The inputs that this model has not answered yet."""
        sha256 = model.card.sha256
        return [one for one in self.inputs if (one.key, sha256) not in self._outcomes]

    def answer(self, one: Input, *, model: Model, limits: Limits) -> Outcome:
        """The answer about an input, or why it was refused; found once, then remembered."""
        key = (one.key, model.card.sha256)
        if key not in self._outcomes:
            try:
                scan = self.open(one, limits=limits)
                with _TURN:
                    self._outcomes[key] = predict(scan, model=model)
            except ScanError as error:
                self._outcomes[key] = error
        return self._outcomes[key]

    def open(self, one: Input, *, limits: Limits) -> Scan | Volume:
        """The decoded input; the one before is let go.

        Raises:
            ScanError: It cannot be read.
        """
        if self._opened is None or self._opened[0] != one.key:
            self._opened = self._outlined = None
            with _TURN:
                self._opened = one.key, read_input(one, limits=limits)
        return self._opened[1]

    def outline(self, one: Input, volume: Volume, answer: VolumePrediction) -> VolumeOutline:
        """The tumor in the volume that is open.

        Raises:
            ConfigError: The model does not outline.
        """
        key = (one.key, answer.model.sha256)
        if self._outlined is None or self._outlined[0] != key:
            with _TURN:
                self._outlined = key, outline_volume(volume, answer)
        return self._outlined[1]
