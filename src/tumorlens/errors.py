"""Every error a caller of tumorlens can meet, as one tree.

::

    TumorlensError
    ├── ScanError                 one input cannot be answered
    │   ├── ScanMissingError      no such file or folder, or not readable
    │   ├── ScanEmptyError        nothing in it: zero bytes, zero pixels, no scans in a folder
    │   ├── ScanFormatError       not a format that is read, or a wrong kind of object
    │   ├── ScanCorruptError      the right format, but truncated or damaged
    │   ├── ScanTooLargeError     more bytes or pixels than allowed
    │   └── ScanContentError      decoded, but no picture: NaN, all one value, 4-D, ...
    ├── ModelError                a model folder cannot be used
    │   ├── ModelMissingError     no model folder, or a file of it is absent
    │   └── ModelCorruptError     wrong hash, unreadable card or graph, newer card format
    ├── DataError                 training or evaluation data cannot be used
    ├── ConfigError               a setting is unknown or out of range
    ├── TrainingError             a training run cannot go on
    └── MissingExtraError         an optional part of tumorlens is not installed

Each says what was expected, what was found and what to do, in three fields and in its message.
"""

from typing import ClassVar


class TumorlensError(Exception):
    """Base of all errors: a user's mistake or bad input, never a bug.

    Attributes:
        expected: What would have been right.
        found: What was there instead.
        remedy: What to do about it.
        source: The input it is about (a path, a setting's name); may be empty.
        code: A stable name for machines, such as ``scan_empty``.
    """

    code: ClassVar[str] = "error"

    def __init__(self, *, expected: str, found: str, remedy: str, source: str = "") -> None:
        self.expected = expected
        self.found = found
        self.remedy = remedy
        self.source = source
        super().__init__(expected, found, remedy, source)

    def __str__(self) -> str:
        start = f"{self.source}: " if self.source else ""
        return f"{start}expected {self.expected}; found {self.found}. {self.remedy}"

    def to_json(self) -> dict[str, str]:
        """The error as one flat JSON object: code, expected, found, remedy."""
        return {
            "code": self.code,
            "expected": self.expected,
            "found": self.found,
            "remedy": self.remedy,
        }


class ScanError(TumorlensError):
    """One input cannot be answered; the others of a batch still are."""

    code = "scan_error"


class ScanMissingError(ScanError):
    """There is no such file or folder, or it may not be read."""

    code = "scan_missing"


class ScanEmptyError(ScanError):
    """There is nothing in it: zero bytes, zero pixels, or a folder without scans."""

    code = "scan_empty"


class ScanFormatError(ScanError):
    """The bytes are of no format that tumorlens reads."""

    code = "scan_format"


class ScanCorruptError(ScanError):
    """The format is known, but the file is truncated or damaged."""

    code = "scan_corrupt"


class ScanTooLargeError(ScanError):
    """The file or the picture in it is larger than the limit; nothing was decoded."""

    code = "scan_too_large"


class ScanContentError(ScanError):
    """The file was decoded, but holds no usable picture (NaN, all one value, 4-D, ...)."""

    code = "scan_content"


class ModelError(TumorlensError):
    """A model folder cannot be used."""

    code = "model_error"


class ModelMissingError(ModelError):
    """There is no model folder, or one of its files is absent."""

    code = "model_missing"


class ModelCorruptError(ModelError):
    """The graph's hash is wrong, or the card or the graph cannot be read."""

    code = "model_corrupt"


class DataError(TumorlensError):
    """Data for training or evaluation cannot be used."""

    code = "data_error"


class ConfigError(TumorlensError):
    """A setting is unknown or out of its range."""

    code = "config_error"


class TrainingError(TumorlensError):
    """A training run cannot go on."""

    code = "training_error"


class MissingExtraError(TumorlensError):
    """An optional part of tumorlens is not installed."""

    code = "missing_extra"
