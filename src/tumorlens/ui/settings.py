"""What an app offers its visitors, and how much it takes on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tumorlens.errors import ConfigError
from tumorlens.reading import Limits

MEBI = 2**20

MODEL, FOLDERS, EXAMPLES, MAX_VOXELS = (
    "TUMORLENS_UI_MODEL",
    "TUMORLENS_UI_FOLDERS",
    "TUMORLENS_UI_EXAMPLES",
    "TUMORLENS_UI_MAX_VOXELS",
)
"""Environment variables by which ``tumorlens ui`` tells the app its settings."""

SMALL = Limits(max_bytes=128 * MEBI, max_voxels=16 * MEBI, max_slices=1024)
"""What fits an app with 1 GB of memory: 256 x 256 x 256 voxels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the app behaves.

    Attributes:
        model: The folder of the model that answers; the bundled one where None.
        folders: Visitors may name folders of models, runs and pictures that lie below it, and
            what is in them is shown to them; None where they may name none.
        examples: A folder of scans to try; None where there is none.
        limits: How large a scan may be.
    """

    model: Path | None = None
    folders: Path | None = None
    examples: Path | None = None
    limits: Limits = SMALL

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """The settings that environment variables give, else the defaults.

        Raises:
            ConfigError: The number of voxels is no whole number above 0.
        """
        limits = SMALL
        if text := environ.get(MAX_VOXELS):
            limits = Limits(max_bytes=2 * SMALL.max_bytes, max_voxels=_whole(MAX_VOXELS, text))
        return cls(
            model=_path(environ, MODEL),
            folders=_path(environ, FOLDERS),
            examples=_path(environ, EXAMPLES),
            limits=limits,
        )


def _path(environ: Mapping[str, str], name: str) -> Path | None:
    text = environ.get(name, "")
    return Path(text).expanduser() if text else None


def _whole(name: str, text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 12 and int(text) > 0:
        return int(text)
    raise ConfigError(
        expected="a whole number above 0",
        found=text,
        remedy="Give one, or leave the variable away.",
        source=name,
    )
