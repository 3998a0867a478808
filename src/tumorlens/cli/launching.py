"""The app of ``tumorlens ui`` as a child of this process: its command, its settings, its end."""

import os
import signal
import socket
import subprocess
import sys
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path

from tumorlens.card import read_card
from tumorlens.errors import ConfigError, MissingExtraError
from tumorlens.reading import Limits

_APP = Path(__file__).parents[1] / "ui" / "app.py"
_PATIENCE_S = 5  # for the child to end by itself


def check_streamlit() -> None:
    """Raise `MissingExtraError` where Streamlit is not installed; it is not imported here."""
    if find_spec("streamlit") is None:
        raise MissingExtraError(
            expected="the ui part of tumorlens",
            found="no module streamlit",
            remedy="Install it: pip install 'tumorlens[ui]'",
        )


def check_model(model: Path | None) -> None:
    """Raise `ModelError` now rather than in the browser where the model cannot be used."""
    if model is not None:
        read_card(model)


def check_address(host: str, port: int) -> None:
    """Raise `ConfigError` now rather than let Streamlit show a stack trace."""
    try:
        kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(kind) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except (OSError, UnicodeError) as error:
        raise ConfigError(
            expected="an address of this machine, and a port of it that is free",
            found=getattr(error, "strerror", None) or "no such address",
            remedy="Give another --port; or as --host 127.0.0.1, or 0.0.0.0 for all addresses.",
            source=f"{bracketed(host)}:{port}",
        ) from error


def check_folders(folders: Path | None) -> None:
    """Raise `ConfigError` now rather than refuse every folder that a visitor names."""
    if folders is not None and not folders.is_dir():
        raise ConfigError(
            expected="a folder whose folders visitors may open",
            found="none of this name",
            remedy="Check the spelling of --folders.",
            source=str(folders),
        )


def make_command(host: str, port: int) -> list[str]:
    """The command that runs the app; what else it needs stands in the app's config.toml."""
    options = {
        "server.address": host,
        "server.port": port,
        "server.headless": "true",
        "browser.gatherUsageStats": "false",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    # -P: nothing is imported from the current folder, which may hold anything.
    return [sys.executable, "-P", "-m", "streamlit", "run", str(_APP), *flags]


def make_environment(*, host: str, model: Path | None, folders: Path | None) -> dict[str, str]:
    """The variables that tell the app its settings, besides those it would have anyway.

    Without ``folders``, a visitor from this machine may open any folder, and others none. A
    visitor from this machine may also bring volumes as large as the library reads.
    """
    given: dict[str, str] = {}
    if model is not None:
        given["TUMORLENS_UI_MODEL"] = str(model.resolve())
    if is_own(host):
        given["TUMORLENS_UI_MAX_VOXELS"] = str(Limits().max_voxels)
        folders = folders or Path(Path.cwd().anchor)
    if folders is not None:
        given["TUMORLENS_UI_FOLDERS"] = str(folders.resolve())
    return given


def is_own(host: str) -> bool:
    """Whether only this machine itself reaches an address."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # another name
        return False


def bracketed(host: str) -> str:
    """A host as it stands in an address."""
    return f"[{host}]" if ":" in host else host


def run_until_ended(command: list[str], environment: dict[str, str]) -> int:
    """Run a child until it ends or we are told to; its exit status, 0 where we were told."""
    child = subprocess.Popen(command, env=os.environ | environment)
    signal.signal(signal.SIGTERM, lambda *_: _end(child))
    try:
        status = child.wait()
    except KeyboardInterrupt:  # the child heard of it too
        _end(child)
        raise
    return 0 if status in {0, -signal.SIGTERM} else 1


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.terminate()
    try:
        child.wait(timeout=_PATIENCE_S)
    except subprocess.TimeoutExpired:
        child.kill()
