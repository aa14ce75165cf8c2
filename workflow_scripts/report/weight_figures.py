"""The learned filters of a trunk as pictures: small multiples, the strongest first."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from workflow_scripts.report.figures import WIDTH
from workflow_scripts.report.palette import BLUE, GREY, ORANGE
from workflow_scripts.report.svg import text_of_name

# Number of the strongest filters of a trunk that a figure shows.
MOST_FILTERS = 32
COLUMNS = 8
# The part of a cell that a filter fills; the rest is for its title and a gap.
FILL, TALL = 0.9, 0.78
CELL_HEIGHT = 0.8


def weights(trunks: Mapping[str, tuple[pd.Series, np.ndarray]], frame_rate: float) -> Figure:
    """The filters of each trunk: strengths, indexed by filter, and weights (filters, m, n).

    The strengths are those of the filters to show, the strongest first. Filters of one band or one
    frame are lines, the others images. All cells of a trunk have the same scale.
    """
    rows = [-(-len(strengths) // COLUMNS) for strengths, _ in trunks.values()]
    heights = [CELL_HEIGHT * n + 0.6 for n in rows]
    figure = Figure(figsize=(WIDTH, sum(heights)), layout="constrained")
    grid = figure.subplots(len(trunks), 1, squeeze=False, gridspec_kw={"height_ratios": heights})
    for axes, (trunk, (strengths, weight)), n_rows in zip(
        grid[:, 0], trunks.items(), rows, strict=True
    ):
        shown = weight[strengths.index.to_numpy()]
        largest = float(np.abs(shown).max()) or 1.0
        axes.set_xlim(0, COLUMNS)
        axes.set_ylim(n_rows, 0)
        axes.set_axis_off()
        axes.grid(False)
        _titles(axes, strengths)
        m, n = shown.shape[1:]
        if m == 1 or n == 1:
            values = shown.reshape(len(shown), -1)
            _lines(axes, values / largest, BLUE if m == 1 else ORANGE)
        else:
            _images(axes, shown, largest)
        axes.set_title(f"{text_of_name(trunk)}: {_extent(m, n, largest, frame_rate)}")
    return figure


def _extent(m: int, n: int, largest: float, frame_rate: float) -> str:
    """What a cell spans."""
    length = f"{n / frame_rate:.2f} s"
    bands = f"{m} mel band{'s' if m > 1 else ''}"
    if m == 1:
        return f"weight over {length} of each filter, in each cell ±{largest:.2g}"
    if n == 1:
        return f"weight over {bands}, the lowest left, in each cell ±{largest:.2g}"
    return f"{bands}, the lowest below, by {length}"


def _place(number: int) -> tuple[float, float]:
    """The left end and the top of the filter of this position, below its title."""
    row, column = divmod(number, COLUMNS)
    return column + (1 - FILL) / 2, row + 1 - TALL


def _titles(axes: Axes, strengths: pd.Series) -> None:
    for number, (filter_, strength) in enumerate(strengths.items()):
        left, top = _place(number)
        axes.text(
            left, top - 0.04, f"{filter_}: {round(strength, 3) + 0:.3f}", fontsize=6.5, va="bottom"
        )


def _lines(axes: Axes, values: np.ndarray, colour: str) -> None:
    """`values` are from -1 to 1, (filters, weights)."""
    places = np.array([_place(number) for number in range(len(values))])
    across = np.linspace(0, FILL, values.shape[1]) if values.shape[1] > 1 else np.array([FILL / 2])
    x = places[:, :1] + across
    middle = places[:, 1] + TALL / 2 - 0.02
    y = middle[:, np.newaxis] - values * (TALL / 2 - 0.04)
    zero = [[(left, m), (left + FILL, m)] for left, m in zip(places[:, 0], middle, strict=True)]
    axes.add_collection(LineCollection(zero, colors=GREY, linewidths=0.5), autolim=False)
    if values.shape[1] == 1:
        axes.plot(x, y, "o", color=colour, markersize=3)
        return
    lines = LineCollection(list(np.stack([x, y], axis=-1)), colors=colour, linewidths=0.9)
    axes.add_collection(lines, autolim=False)


def _images(axes: Axes, shown: np.ndarray, largest: float) -> None:
    for number, values in enumerate(shown):
        left, top = _place(number)
        image = axes.imshow(
            values,
            extent=(left, left + FILL, top + TALL - 0.06, top),
            origin="lower",
            aspect="auto",
            cmap="RdBu",
            vmin=-largest,
            vmax=largest,
            interpolation="nearest",
        )
    bar = axes.figure.colorbar(image, ax=axes, pad=0.01, fraction=0.04, aspect=20)
    bar.set_label("weight")
    bar.outline.set_visible(False)
    # Images have set the limits to their extent.
    axes.set_xlim(0, COLUMNS)
    axes.set_ylim(-(-len(shown) // COLUMNS), 0)
