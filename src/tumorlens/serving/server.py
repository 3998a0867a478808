"""Running the application with uvicorn until the process is told to stop."""

import logging
import signal
import sys
from types import FrameType

import uvicorn
from fastapi import FastAPI

from tumorlens.serving.connection import Connection
from tumorlens.serving.settings import Settings

_KEEP_ALIVE_S = 75  # longer than the idle time of usual load balancers (60 s), which then close


def serve(app: FastAPI, *, host: str, port: int, settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C; then finish what was accepted.

    Args:
        app: From `create_app`.
        host: The address to listen on; ``0.0.0.0`` for all.
        port: The port; 0 for a free one, which the log names.
        settings: Of the application; says how long the end may take.

    Raises:
        SystemExit: With 0 after SIGTERM; with 3 where the address is taken.
    """
    logging.getLogger("tumorlens.serving").setLevel(logging.INFO)
    signal.signal(signal.SIGTERM, _leave)
    uvicorn.run(
        app,
        host=host,
        port=port,
        http=Connection,
        workers=1,  # Heroku sets WEB_CONCURRENCY, which uvicorn would take for processes
        access_log=False,  # ours says no query and no address of a client
        log_config=_LOGGING,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )


def _leave(_signal: int, _frame: FrameType | None) -> None:
    """Uvicorn raises the signal again once it is done; asked to stop and stopped is no error."""
    sys.exit(0)


_LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(message)s"}},
    "handlers": {
        "standard_error": {
            "class": "logging.StreamHandler",
            "formatter": "plain",
            "stream": "ext://sys.stderr",
        }
    },
    "loggers": {
        name: {"handlers": ["standard_error"], "level": "INFO", "propagate": False}
        for name in ("uvicorn", "tumorlens.serving")
    },
}
