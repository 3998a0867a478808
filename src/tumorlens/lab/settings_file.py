"""Settings in TOML files, one of which may hold only what differs from another."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tumorlens.errors import ConfigError


def read_values(path: Path, *, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    """A file's settings laid over those of its base, if it names one.

    Args:
        path: A TOML file; its ``base`` is another, beside it or from there on.
        seen: Files that this one is the base of.

    Raises:
        ConfigError: A file is absent or no TOML, or comes back to itself.
    """
    values = _read_toml(path)
    base = values.pop("base", None)
    if base is None:
        return values
    place = path.resolve()
    if not isinstance(base, str) or place in seen:
        raise ConfigError(
            expected="another file of settings, which does not come back to this one",
            found=repr(base),
            remedy="Correct base, or leave it out.",
            source=str(path),
        )
    return _laid_over(read_values(place.parent / base, seen=(*seen, place)), values)


def _laid_over(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Nested dictionaries, the second one's values over the first one's."""
    for key, value in above.items():
        inner = below.get(key)
        if isinstance(inner, dict) and isinstance(value, dict):
            _laid_over(inner, value)
        else:
            below[key] = value
    return below


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise ConfigError(
            expected="a TOML file with the run's settings",
            found=error.strerror or "an unreadable file",
            remedy="Start from one of the files in configs/.",
            source=str(path),
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            expected="a TOML file",
            found=f"a mistake in it ({error})",
            remedy="Correct that line.",
            source=str(path),
        ) from error
