"""Matplotlib figures without a screen and without global state."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def new_figure(
    *, columns: int = 1, width: float = 5.0, height: float = 4.0
) -> tuple[Figure, list[Axes]]:
    """A figure with a row of axes, each ``width`` x ``height`` inches."""
    figure = Figure(figsize=(columns * width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, [figure.add_subplot(1, columns, column + 1) for column in range(columns)]


def save_figure(figure: Figure, path: Path) -> None:
    """Write a PNG at 120 dots an inch."""
    figure.savefig(path, dpi=120, format="png")
