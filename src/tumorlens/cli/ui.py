"""``tumorlens ui``: the app in a browser."""

from pathlib import Path
from typing import Annotated

import typer


def ui(
    *,
    host: Annotated[
        str,
        typer.Option(
            envvar="TUMORLENS_HOST", help="The address to listen on; 0.0.0.0 for all of them."
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(envvar=["PORT", "TUMORLENS_PORT"], min=1, max=65535, help="The port."),
    ] = 8501,
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
    folders: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Visitors may open folders of models, runs and pictures below it. If left out: "
            "all on this machine's own address, none on any other.",
        ),
    ] = None,
) -> None:
    """Open the app in a browser: upload scans, see answers, compare models, audit folders.

    Uploads stay in memory and are gone when the browser's tab is closed. There is no password:
    on other addresses than this machine's own, anybody who reaches it may use it.

    Example: tumorlens ui --port 8501
    """
    from tumorlens.cli import launching
    from tumorlens.cli.exits import say
    from tumorlens.notice import NOTICE

    launching.check_streamlit()
    launching.check_model(model)
    launching.check_folders(folders)
    launching.check_address(host, port)
    environment = launching.make_environment(host=host, model=model, folders=folders)
    say(f"tumorlens: http://{launching.bracketed(host)}:{port} (Ctrl-C ends it). {NOTICE}")
    raise typer.Exit(launching.run_until_ended(launching.make_command(host, port), environment))
