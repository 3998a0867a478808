"""Matplotlib figures without a screen and without global state."""

from io import BytesIO
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import MaxNLocator

from tumorlens.reporting.folder import write_bytes


def new_figure(
    *, columns: int = 1, width: float = 5.0, height: float = 4.0
) -> tuple[Figure, list[Axes]]:
    """A figure with a row of axes, each ``width`` x ``height`` inches."""
    figure = Figure(figsize=(columns * width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, [figure.add_subplot(1, columns, column + 1) for column in range(columns)]


def plain(name: str) -> str:
    """A name that stands in a figure as it is: Matplotlib takes what is between $ for a formula.

    Characters that its font lacks, such as Chinese ones, are written by their numbers: they would
    all be the same box.
    """
    known = get_font(findfont(FontProperties())).get_charmap()
    shown = (one if one.isspace() or ord(one) in known else ascii(one)[1:-1] for one in name)
    return "".join(shown).replace("$", r"\$")


def whole_numbers(axis: Axes) -> None:
    """Let the horizontal axis, of epochs or trials, have no fractions of one."""
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def save_figure(figure: Figure, path: Path) -> None:
    """Write a PNG at 120 dots an inch, whole or not at all.

    Raises:
        ConfigError: It cannot be written.
    """
    picture = BytesIO()
    figure.savefig(picture, dpi=120, format="png")
    write_bytes(path, picture.getvalue())
