"""What one visitor's session holds: the uploads, their answers, and the one scan that is open.

Nothing of it is written anywhere; it is gone when the session ends. Of all inputs only the one
that is looked at is kept decoded, and of all sessions only as many as `MAX_OPEN_VOXELS` allows:
another is read again when its visitor comes back. One input is read and answered at a time in the
whole app. So many visitors with large volumes do not take the memory together.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from tumorlens.errors import ScanError
from tumorlens.measured_outline import VolumeOutline
from tumorlens.model import Model
from tumorlens.outlining import outline_volume
from tumorlens.prediction import Prediction, VolumePrediction, predict
from tumorlens.reading import Limits
from tumorlens.scan import Scan, Volume
from tumorlens.ui.inputs import Input, Upload, find_inputs, read_input

Answer = Prediction | VolumePrediction
Outcome = Answer | ScanError
"""The answer about an input, or why there is none."""

MAX_OPEN_VOXELS = 40 * 2**20
"""Decoded voxels that all sessions keep together, 4 bytes each; a lone one may keep more."""

_TURN = threading.Lock()


@dataclass(slots=True)
class _Opened:
    """The input that a session looks at, decoded."""

    key: str
    scan: Scan | Volume


@dataclass(slots=True, eq=False, weakref_slot=True)
class Session:
    """One visitor's uploads and answers.

    Attributes:
        inputs: What there is to read in the uploads.
    """

    inputs: tuple[Input, ...] = ()
    _outcomes: dict[tuple[str, str], Outcome] = field(default_factory=dict)

    def take(self, uploads: Sequence[Upload], *, limits: Limits) -> None:
        """Take these uploads instead of the earlier ones, and forget what was only in those."""
        with _TURN:
            self.inputs = find_inputs(uploads, limits=limits)
            _OPENED.pop(self, None)
        keys = {one.key for one in self.inputs}
        self._outcomes = {key: one for key, one in self._outcomes.items() if key[0] in keys}

    def waiting(self, model: Model) -> list[Input]:
        """The inputs that this model has not answered yet."""
        digest = model.card.digest
        return [one for one in self.inputs if (one.key, digest) not in self._outcomes]

    def answer(self, one: Input, *, model: Model, limits: Limits) -> Outcome:
        """The answer about an input, or why it was refused; found once, then remembered."""
        key = (one.key, model.card.digest)
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
        with _TURN:
            opened = _OPENED.pop(self, None)
            if opened is None or opened.key != one.key:
                del opened  # let it go before the next is read
                opened = _Opened(one.key, read_input(one, limits=limits))
                _make_room(_size(opened.scan))
            _OPENED[self] = opened
            return opened.scan

    def outline(self, volume: Volume, answer: VolumePrediction) -> VolumeOutline:
        """The tumor in a volume.

        Raises:
            ConfigError: The model does not outline.
        """
        with _TURN:
            return outline_volume(volume, answer)


_OPENED: WeakKeyDictionary[Session, _Opened] = WeakKeyDictionary()
"""What the sessions look at, the least recent first; each is gone with its session."""


def _make_room(needed: int) -> None:
    """Let go what others looked at longest ago, until there is room for so many voxels."""
    for other in list(_OPENED):
        if needed + sum(_size(one.scan) for one in _OPENED.values()) <= MAX_OPEN_VOXELS:
            return
        _OPENED.pop(other, None)


def _size(scan: Scan | Volume) -> int:
    return scan.voxels.size if isinstance(scan, Volume) else scan.pixels.size
