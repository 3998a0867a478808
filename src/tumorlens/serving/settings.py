"""What a service takes on at most, and who may use it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Self

from tumorlens.errors import ConfigError
from tumorlens.reading import Limits

MEBIBYTE = 2**20

_MAX_UNPACKED = 256 * MEBIBYTE
_MAX_PIXELS = 16 * MEBIBYTE
_MAX_SLICES = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a service behaves; the defaults suit two cores and 4 GB of memory.

    Attributes:
        api_key: What requests must show, except for the page, its files and health checks;
            empty where everybody may ask.
        max_body_bytes: Of one request; larger ones get 413 before they are read.
        max_waiting: Requests with a body that are received or answered at a time; beyond it 503.
        max_waiting_bytes: Bytes of all these bodies together; beyond it 503.
        max_files: Of one batch or report.
        upload_seconds: For a body to arrive; beyond it 408.
        shutdown_seconds: For what was accepted to be answered, once told to stop.
        max_batch: Slices of several requests that go through the network together.
        max_voxels: Of one scan, and of all that are judged and drawn at a time.
        workers: Threads that read, judge volumes and draw.
        vertex_health_route: Where Vertex AI asks for health; empty outside of it.
        vertex_predict_route: Where Vertex AI sends instances; empty outside of it.
    """

    api_key: str = ""
    max_body_bytes: int = 128 * MEBIBYTE
    max_waiting: int = 32
    max_waiting_bytes: int = 512 * MEBIBYTE
    max_files: int = 32
    upload_seconds: float = 120.0
    shutdown_seconds: int = 30
    max_batch: int = 8
    max_voxels: int = 64 * MEBIBYTE
    workers: int = 4
    vertex_health_route: str = ""
    vertex_predict_route: str = ""

    @property
    def limits(self) -> Limits:
        """How large a scan may be, unpacked: less than on the command line, as others wait."""
        return Limits(
            max_bytes=_MAX_UNPACKED,
            max_pixels=min(_MAX_PIXELS, self.max_voxels),
            max_voxels=self.max_voxels,
            max_slices=_MAX_SLICES,
        )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """The settings that environment variables give (`VARIABLES`), else the defaults.

        Raises:
            ConfigError: One of them is no whole number above 0, no path, or no key that HTTP
                can carry; or a variable is named almost like one of them.
        """
        _check_names(environ)
        given: dict[str, int | str] = {}
        for variable, (name, unit) in VARIABLES.items():
            if text := environ.get(variable, "").strip():
                given[name] = _whole(variable, text) * unit if unit else text
        for name in ("vertex_health_route", "vertex_predict_route"):
            if not str(given.get(name, "/")).startswith("/"):
                raise ConfigError(
                    expected="a path that begins with /",
                    found=str(given[name]),
                    remedy="Set the container's routes in Vertex AI, such as /predict.",
                    source="AIP_HEALTH_ROUTE, AIP_PREDICT_ROUTE",
                )
        _check_key(str(given.get("api_key", "")))
        return cls(**given)  # type: ignore[arg-type]  # the table names fields of these types


VARIABLES: dict[str, tuple[str, int]] = {
    "TUMORLENS_API_KEY": ("api_key", 0),
    "TUMORLENS_MAX_BODY_MB": ("max_body_bytes", MEBIBYTE),
    "TUMORLENS_MAX_WAITING": ("max_waiting", 1),
    "TUMORLENS_MAX_WAITING_MB": ("max_waiting_bytes", MEBIBYTE),
    "TUMORLENS_MAX_FILES": ("max_files", 1),
    "TUMORLENS_MAX_BATCH": ("max_batch", 1),
    "TUMORLENS_MAX_VOXELS_MI": ("max_voxels", MEBIBYTE),
    "TUMORLENS_WORKERS": ("workers", 1),
    "TUMORLENS_UPLOAD_SECONDS": ("upload_seconds", 1),
    "TUMORLENS_SHUTDOWN_SECONDS": ("shutdown_seconds", 1),
    "AIP_HEALTH_ROUTE": ("vertex_health_route", 0),
    "AIP_PREDICT_ROUTE": ("vertex_predict_route", 0),
}
"""Environment variables: the field of `Settings` each sets, and its unit; 0 for a text."""


_OTHERS = ("TUMORLENS_HOST", "TUMORLENS_PORT", "TUMORLENS_MODEL", "TUMORLENS_PRECISION")
"""Options of the command."""

_ALIKE = 0.86  # a key under TUMORLENS_KEY is; TUMORLENS_MODEL_PORT, as Kubernetes sets it, is not


def _check_names(names: Iterable[str]) -> None:
    """Refuse a misspelt variable: without its key the service would be open to everybody."""
    known = {*VARIABLES, *_OTHERS, "TUMORLENS_CACHE"}
    for name in names:
        if not name.startswith("TUMORLENS_") or name.startswith("TUMORLENS_UI_") or name in known:
            continue
        if meant := get_close_matches(name, sorted(known), n=1, cutoff=_ALIKE):
            raise ConfigError(
                expected=f"the variable {meant[0]}",
                found=name,
                remedy="Correct its name, or leave it away.",
                source="the environment",
            )


def _whole(variable: str, text: str) -> int:
    if text.isascii() and text.isdigit() and int(text[:9]) > 0 and len(text) <= 9:
        return int(text)
    raise ConfigError(
        expected="a whole number above 0",
        found=text,
        remedy="Give one, or leave the variable away.",
        source=variable,
    )


def _check_key(key: str) -> None:
    """Refuse a key that no client could show: headers have no encoding but ASCII."""
    if not all("!" <= sign <= "~" for sign in key):
        raise ConfigError(
            expected="a key of letters, digits and signs of ASCII, without spaces",
            found="one with other signs",  # and not which: it may be logged
            remedy="Make one: openssl rand -hex 24",
            source="TUMORLENS_API_KEY",
        )
