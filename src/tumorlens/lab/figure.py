"""Matplotlib figures without a screen and without global state."""

from io import BytesIO
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tumorlens.reporting.folder import write_bytes


def new_figure(
    *, columns: int = 1, width: float = 5.0, height: float = 4.0
) -> tuple[Figure, list[Axes]]:
    """A figure with a row of axes, each ``width`` x ``height`` inches."""
    figure = Figure(figsize=(columns * width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, [figure.add_subplot(1, columns, column + 1) for column in range(columns)]


def plain(name: str) -> str:
    """A name that stands in a figure as it is: Matplotlib takes what is between $ for a formula."""
    return name.replace("$", r"\$")


def save_figure(figure: Figure, path: Path) -> None:
    """Write a PNG at 120 dots an inch, whole or not at all.

    Raises:
        ConfigError: It cannot be written.
    """
    picture = BytesIO()
    figure.savefig(picture, dpi=120, format="png")
    write_bytes(path, picture.getvalue())
