"""Serving: the same answers over HTTP, a page for people, and the contracts of clouds.

Needs the extra ``[serve]``. `create_app` makes the FastAPI application of one model, `Settings`
say how much it takes on, and `serve` runs it with uvicorn until it is told to stop. A process that
only serves calls `share_memory` before it loads the model.

An upload stays in memory; only the members of a zip are unpacked, into a private folder that is
removed before the answer leaves. Nothing of an upload is logged.
"""

from tumorlens.serving.app import create_app
from tumorlens.serving.memory import share_memory
from tumorlens.serving.server import serve
from tumorlens.serving.settings import Settings

__all__ = ["Settings", "create_app", "serve", "share_memory"]
