"""How a command ends: its exit status and, where it failed, one plain message."""

import errno
import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import typer

from tumorlens.errors import ConfigError, MissingExtraError, ModelError, TumorlensError
from tumorlens.home_folder import expand
from tumorlens.reporting.wording import printable

REFUSED = 1
WRONG_USAGE = 2
INTERRUPTED = 130
PIPE_CLOSED = 141  # what a shell reports of a program that wrote into a closed pipe

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_USAGE_ERRORS = (ConfigError, ModelError, MissingExtraError)

_Parameters = ParamSpec("_Parameters")


def plainly(verb: Callable[_Parameters, None]) -> Callable[_Parameters, None]:
    """Let a command end with an exit status and a message, never with a stack trace.

    A `TumorlensError` gives 2 where settings or the model are wrong, else 1, as does a full disk
    behind standard output; Ctrl-C 130; a reader who closes the pipe (``| head``) 141. Bugs still
    show their trace.
    """

    @wraps(verb)
    def run(*args: _Parameters.args, **options: _Parameters.kwargs) -> None:
        try:
            verb(*args, **_expanded(options))
            sys.stdout.flush()
        except TumorlensError as error:
            say(f"tumorlens: {error}")
            is_usage = isinstance(error, _USAGE_ERRORS)
            raise typer.Exit(WRONG_USAGE if is_usage else REFUSED) from None
        except KeyboardInterrupt:
            say("tumorlens: interrupted")
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            _forget_output()
            raise typer.Exit(PIPE_CLOSED) from None
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            _forget_output()
            found = error.strerror or str(error)
            say(f"tumorlens: expected room on the disk; found {found}. Make room and run it again.")
            raise typer.Exit(REFUSED) from None

    return run


def _expanded(options: dict[str, Any]) -> dict[str, Any]:
    """The options with ``~`` spelled out in every path: a shell leaves it in ``--output=~/x``."""
    return {name: _spelled_out(value) for name, value in options.items()}


def _spelled_out(value: object) -> object:
    if isinstance(value, Path):
        return expand(value)
    return [_spelled_out(one) for one in value] if isinstance(value, list) else value


def _forget_output() -> None:
    """Python flushes once more at its end, and would complain of the same."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(message: str) -> None:
    """Tell the person at the terminal one line, on standard error."""
    typer.echo(printable(message), err=True)
