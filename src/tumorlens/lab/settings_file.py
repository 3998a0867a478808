"""Settings in TOML files, one of which may hold only what differs from another."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tumorlens.errors import ConfigError


def read_values(path: Path, *, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """A file's settings, not checked yet.

    Args:
        path: A TOML file; its ``base``, if it has one, is another, beside it or from there on,
            over which it is laid.
        overrides: ``section.key=value`` each, laid over all.

    Raises:
        ConfigError: A file is absent or no TOML, or comes back to itself, or an override is no
            assignment.
    """
    values = _read_with_base(path)
    for override in overrides:
        _apply(values, override)
    return values


def _read_with_base(path: Path, *, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The file's settings over its base's; ``seen`` are files that this one is the base of."""
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
    return _laid_over(_read_with_base(place.parent / base, seen=(*seen, place)), values)


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
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError(
            expected="a TOML file with the run's settings",
            found=error.strerror or "an unreadable file",
            remedy="Start from one of the files in configs/.",
            source=str(path),
        ) from error
    except ValueError as error:  # no TOML, no UTF-8, or a name that no file can have
        raise ConfigError(
            expected="a TOML file in UTF-8",
            found=f"a mistake in it ({error})",
            remedy="Correct it.",
            source=str(path),
        ) from error


def _apply(values: dict[str, Any], override: str) -> None:
    """Set one ``section.key=value`` in place; the value is TOML, or else a bare string."""
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(
            expected="section.key=value",
            found=override,
            remedy="For example --set training.epochs=20.",
            source="--set",
        )
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    *sections, last = key.split(".")
    for section in sections:
        inner = values.setdefault(section, {})
        if not isinstance(inner, dict):
            raise ConfigError(
                expected=f"{section} to be a section of settings",
                found="a single value",
                remedy=f"Set {section} itself.",
                source="--set",
            )
        values = inner
    values[last] = value
