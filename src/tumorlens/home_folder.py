"""Paths that begin with ``~``, as a person types them and a quoted argument keeps them."""

from pathlib import Path

from tumorlens.errors import ConfigError


def expand(path: str | Path) -> Path:
    """The path with the home folder in place of ``~`` or ``~user``.

    Raises:
        ConfigError: There is no such user, or the home folder is not known.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ConfigError(
            expected="~ or ~user of somebody whose home folder is known",
            found=str(path),
            remedy="Write the whole path, or ./~ where a folder has this name.",
            source="path",
        ) from error
