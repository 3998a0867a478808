"""Which model answered."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which model answered.

    Attributes:
        name: Of its card.
        version: Of its card.
        sha256: Of its graph, in hexadecimal digits.
    """

    name: str
    version: str
    sha256: str

    def to_json(self) -> dict[str, str]:
        """As answers and reports tell it."""
        return asdict(self)
