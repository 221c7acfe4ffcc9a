"""Style of the benchmarks' charts: a colour-blind-safe palette, lines labelled directly, no legend boxes."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from matplotlib.transforms import Bbox

from photoclass.atomic import write_bytes

# Colours of Okabe and Ito's palette that are dark enough on white; each has its own marker.
STYLES = (("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"), ("#CC79A7", "D"), ("#56B4E9", "v"), ("#000000", "x"))
_LEVEL = "#8a94a6"
_NAME = "name of a line"


def new_figure(width: float, height: float, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """Return a figure and its axes, side by side; Matplotlib's object interface needs no display."""
    figure = Figure(figsize=(width, height), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    every: list[Axes] = figure.subplots(1, columns, squeeze=False)[0].tolist()
    for axes in every:
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    return figure, every


def draw_line(
    axes: Axes,
    points: Sequence[tuple[float, float]],
    style: tuple[str, str],
    name: str,
    dashed: bool = False,
    falling: bool = False,
) -> None:
    """Draw a line of (x, y) with its name at its end: to the right, or below left where lines fall."""
    x, y = zip(*points, strict=True)
    colour, marker = style
    every = max(1, len(points) // 12)
    axes.plot(x, y, color=colour, marker=marker, markersize=5, markevery=every, linestyle="--" if dashed else "-")
    label = axes.annotate(name, (x[-1], y[-1]), (8, 0), textcoords="offset points", color=colour, va="center")
    if falling:
        label.set(position=(-6, -11), ha="right")
    label.set_gid(_NAME)
    label.set_path_effects([withStroke(linewidth=3, foreground="white")])  # where it crosses another line


def draw_level(axes: Axes, value: float, label: str) -> None:
    """Draw a thin horizontal line with its label above its left end."""
    axes.axhline(value, color=_LEVEL, linewidth=0.8)
    axes.annotate(
        label,
        (0, value),
        (4, 3),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        color="#5c6675",
        fontsize=9,
    )


def log_axis(axes: Axes, which: str, ticks: Mapping[float, str]) -> None:
    """Make one axis (`x` or `y`) logarithmic, with labelled ticks at these values."""
    if which == "x":
        axes.set_xscale("log")
    else:
        axes.set_yscale("log")
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(FixedLocator(list(ticks)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: ticks.get(value, f"{value:g}")))
    axis.set_minor_locator(NullLocator())


def separate_names(figure: Figure) -> None:
    """Move names of lines up where they would overlap a lower one."""
    figure.draw_without_rendering()  # computes where they are
    for axes in figure.axes:
        names = [child for child in axes.get_children() if isinstance(child, Annotation) and child.get_gid() == _NAME]
        names.sort(key=lambda name: name.get_window_extent().y0)
        placed: list[Bbox] = []
        for name in names:
            box = name.get_window_extent()
            for below in placed:
                if box.overlaps(below):
                    up = below.y1 - box.y0
                    name.xyann = (name.xyann[0], name.xyann[1] + up * 72 / figure.dpi)
                    box = box.translated(0, up)
            placed.append(box)


def save_figure(figure: Figure, path: Path) -> None:
    """Write the figure as PNG, whole or not at all."""
    separate_names(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    write_bytes(path, buffer.getvalue())
