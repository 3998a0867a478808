"""Reporting: answers as JSON, CSV, overlays and one HTML page.

``write_report`` is loaded when first used: who only wants JSON never waits for Pillow's fonts or
Jinja.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tumorlens.reporting.report import write_report as write_report

__all__ = ["write_report"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("tumorlens.reporting.report"), name)
