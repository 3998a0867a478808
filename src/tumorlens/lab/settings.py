"""Settings checked: of any kind whose fields are sections or single values.

A name or key that does not exist is an error that names the nearest one that does.
"""

import difflib
from collections.abc import Collection
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from tumorlens.errors import ConfigError

_Settings = TypeVar("_Settings", bound=BaseModel)


def known_name(name: str, known: Collection[str], *, setting: str) -> str:
    """The name, if it is known.

    Args:
        name: What was given.
        known: All names there are.
        setting: Where it was given, such as ``network.name``.

    Raises:
        ConfigError: It is not known; the nearest one is named.
    """
    if name in known:
        return name
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
    raise ConfigError(
        expected=f"one of {', '.join(known)}",
        found=name,
        remedy=f"Did you mean {nearest[0]}?" if nearest else "Choose one of them.",
        source=setting,
    )


def parse_settings(kind: type[_Settings], values: dict[str, Any], *, source: str) -> _Settings:
    """Check settings given as nested dictionaries.

    Args:
        kind: A model whose fields are sections or single settings.
        values: As read.
        source: The file, for messages.

    Raises:
        ConfigError: A key is unknown (the nearest known one is named) or a value out of range.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise _unknown_key(key, source, kind) from error
        raise ConfigError(
            expected=_in_words(first["type"], first["msg"]),
            found=repr(first["input"]),
            remedy=f"Change {key}.",
            source=f"{source}: {key}",
        ) from error


_KINDS = {
    "tuple_type": 'a list, such as ["a"] or []',
    "model_type": "a section of settings",
    "dict_type": "a section of settings",
    "missing": "one more value",
}
"""What pydantic calls by its Python name."""


def _in_words(kind: str, message: str) -> str:
    plain = message.removeprefix("Input should be ").removeprefix("Value error, ")
    return _KINDS.get(kind, plain[:1].lower() + plain[1:])


def _unknown_key(key: str, source: str, kind: type[BaseModel]) -> ConfigError:
    known = [
        f"{section}.{name}"
        for section, field in kind.model_fields.items()
        for name in getattr(field.annotation, "model_fields", {})
    ] + list(kind.model_fields)
    nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
    return ConfigError(
        expected="a known setting",
        found=key,
        remedy=f"Did you mean {nearest[0]}?",
        source=source,
    )
