"""Options that belong to another kind of model than the one that was given."""

from collections.abc import Mapping

from tumorlens.errors import ConfigError


def refuse_options(given: Mapping[str, object], *, kind: str) -> None:
    """Options of another kind of model are no mistake to pass over in silence.

    Raises:
        ConfigError: Some were given.
    """
    found = [name for name, value in given.items() if value]
    if found:
        raise ConfigError(
            expected=f"no option of other models with one of the kind {kind}",
            found=", ".join(found),
            remedy="Leave it out.",
            source=found[0],
        )
