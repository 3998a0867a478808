"""The option that chooses the model."""

from pathlib import Path
from typing import Annotated

import typer

ModelFolder = Annotated[
    Path | None,
    typer.Option(
        "--model", "-m", metavar="DIR", help="A model folder; the bundled model if left out."
    ),
]
