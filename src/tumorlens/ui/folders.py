"""The folders of this machine that a visitor may open."""

from pathlib import Path

from tumorlens.errors import ConfigError


def open_folder(text: str, *, root: Path | None) -> Path:
    """A folder as typed by a visitor, if it lies where visitors may look.

    Args:
        text: A path; one that is not absolute lies in the current folder, or in ``root`` where
            the current folder is outside of it.
        root: The settings' ``folders``.

    Raises:
        ConfigError: Visitors may open no folder here, or not this one; or there is none.
    """
    if root is None:
        raise ConfigError(
            expected="an app that opens folders of its machine",
            found="one that does not, since anybody may visit it",
            remedy="Run it on your own machine: tumorlens ui. Or start it with --folders DIR.",
            source=text,
        )
    root = root.resolve()
    here = Path.cwd() if Path.cwd().is_relative_to(root) else root
    try:
        path = (here / Path(text.strip()).expanduser()).resolve()
        is_there = path.is_relative_to(root) and path.is_dir()
    except (OSError, ValueError, RuntimeError):  # too long a name, a null byte, no such home
        is_there = False
    if not is_there:  # one message for both, so that nobody learns what lies outside
        raise ConfigError(
            expected=f"a folder in {root}",
            found="none of this name there",
            remedy="Check the spelling of the path.",
            source=text,
        )
    return path


def shown(path: Path) -> str:
    """A folder's path as short as it can be told: from the current folder where it lies in it."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()
