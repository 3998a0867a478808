"""The option that chooses which of a model's graphs answers."""

from enum import StrEnum
from typing import Annotated

import typer


class Precision(StrEnum):
    """The graph that answers; the names of `tumorlens.model.GRAPHS`."""

    FLOAT32 = "float32"
    INT8 = "int8"


ChosenPrecision = Annotated[
    Precision,
    typer.Option(
        "--precision",
        help="int8: quicker, a little less exact; for models that `tumorlens quantize` was run on.",
    ),
]
