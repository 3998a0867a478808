"""``tumorlens serve``: the web service and its page."""

import os
from pathlib import Path
from typing import Annotated

import typer

from tumorlens.cli.precision import Precision


def serve(
    *,
    host: Annotated[
        str,
        typer.Option(
            envvar="TUMORLENS_HOST", help="The address to listen on; 0.0.0.0 for all of them."
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            envvar=["PORT", "AIP_HTTP_PORT", "TUMORLENS_PORT"],
            min=0,
            max=65535,
            help="The port; 0 for a free one.",
        ),
    ] = 8000,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model",
            "-m",
            metavar="DIR",
            envvar="TUMORLENS_MODEL",
            help="A model folder; the bundled model if left out.",
        ),
    ] = None,
    precision: Annotated[
        Precision,
        typer.Option(
            envvar="TUMORLENS_PRECISION",
            help="int8: quicker, a little less exact; for models that `tumorlens quantize` was "
            "run on.",
        ),
    ] = Precision.FLOAT32,
) -> None:
    """Serve the model over HTTP, with a page for people at /.

    Needs the extra: pip install 'tumorlens[serve]'.
    TUMORLENS_API_KEY sets a key that requests must show; docs/serving.md names the limits.
    SIGTERM or Ctrl-C stops it, once what was accepted is answered.

    For example:

    tumorlens serve

    tumorlens serve --host 0.0.0.0 --port 8080 --model runs/mine/model
    """
    from tumorlens.extras import import_extra

    serving = import_extra("tumorlens.serving", extra="serve")
    from tumorlens.model import load_model

    settings = serving.Settings.from_environment(os.environ)
    serving.share_memory()
    app = serving.create_app(load_model(model, precision=precision.value), settings)
    serving.serve(app, host=host, port=port, settings=settings)
