"""The option for test-time augmentation."""

from typing import Annotated

import typer

WithTta = Annotated[
    bool,
    typer.Option(
        "--tta",
        help="Test-time augmentation: answer each slice with its mirror image too, and take the "
        "mean. Twice the time.",
    ),
]
