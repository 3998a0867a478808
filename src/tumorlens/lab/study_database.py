"""A study's database: opened, and what it says against its use told with what to do about it."""

from collections.abc import Iterator
from contextlib import contextmanager

import optuna
from optuna.exceptions import StorageInternalError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from tumorlens.errors import ConfigError, TumorlensError

_REMEDY = (
    "Check that it is there and may be written to by you now, or name another --storage. "
    "The same command goes on with a study that was begun."
)


def open_study(name: str, storage: str) -> optuna.Study:
    """Begin the study of a name, or continue it; its losses are to be low.

    Args:
        name: Of the study, within the database.
        storage: The database's address.

    Raises:
        ConfigError: It is no address, what reaches such a database is not installed, or the
            database cannot be reached or used.
    """
    _check_address(storage)
    try:
        with reaching(storage):
            return optuna.create_study(
                storage=storage, study_name=name, load_if_exists=True, direction="minimize"
            )
    except ImportError as error:
        missing = getattr(error.__cause__, "name", None) or error
        remedy = "Install that driver, or name another, as in postgresql+pg8000://."
        raise _unusable(storage, f"no module {missing} to reach it with", remedy) from error
    except (RuntimeError, ValueError) as error:  # tables of another Optuna, a kind it has not
        raise _unusable(storage, str(error)) from error


@contextmanager
def reaching(storage: str) -> Iterator[None]:
    """Turn what a study's database says against its use into a `ConfigError`."""
    try:
        yield
    except TumorlensError:
        raise
    except Exception as error:
        inner = _of_database(error)
        if inner is None:
            raise
        raise _unusable(storage, _said(inner)) from error


def shown(storage: str) -> str:
    """A database's address without password and options, one of which may be a password too."""
    return make_url(storage).set(query={}).render_as_string(hide_password=True)


def _check_address(storage: str) -> None:
    try:
        make_url(storage)
    except (ArgumentError, ValueError):  # what they say may hold a password
        raise ConfigError(
            expected="the address of a database, such as sqlite:///study.db",
            found="none",
            remedy="Give one as postgresql://USER@HOST/NAME, mysql://..., or leave it out.",
            source="--storage",
        ) from None


def _of_database(error: BaseException | None) -> Exception | None:
    """The error itself, or the one that Optuna stumbled over while it cleared up after it."""
    while error is not None and not isinstance(error, (SQLAlchemyError, StorageInternalError)):
        error = error.__context__
    return error


def _said(error: Exception) -> str:
    """The database's own words, without statement, values and links."""
    inner = error.__cause__ if isinstance(error, StorageInternalError) else error
    own = inner.orig if isinstance(inner, DBAPIError) else inner
    return next(iter(str(own or error).splitlines()), type(error).__name__)


def _unusable(storage: str, found: str, remedy: str = _REMEDY) -> ConfigError:
    return ConfigError(
        expected="a database that can hold the study",
        found=found,
        remedy=remedy,
        source=shown(storage),
    )
