"""Optional parts of tumorlens, imported with a clear message where they are not installed."""

from importlib import import_module
from types import ModuleType

from tumorlens.errors import MissingExtraError


def import_extra(module: str, *, extra: str) -> ModuleType:
    """Import a module of an optional part.

    Args:
        module: Such as ``tumorlens.lab.run``.
        extra: The extra that brings what it needs, such as ``lab``.

    Raises:
        MissingExtraError: Something that the extra brings is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            expected=f"the {extra} part of tumorlens",
            found=f"no module {error.name}",
            remedy=f"Install it: pip install 'tumorlens[{extra}]'",
        ) from error
