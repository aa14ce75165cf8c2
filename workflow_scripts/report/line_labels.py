"""Labels beside the ends of lines, instead of a legend."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from scipy.optimize import isotonic_regression

FONT_SIZE = 7.5
# Height of a line of labels, of the font size.
LINE_HEIGHT = 1.35


@dataclass(frozen=True)
class Label:
    """The text beside the end of a line, at `y` in the units of the axis, in this line's colour."""

    y: float
    text: str
    colour: str


def spread(
    wanted: Sequence[float], heights: Sequence[float], low: float, high: float
) -> np.ndarray:
    """Centres of labels of these heights that do not overlap, as near to `wanted` as possible.

    They keep their order and stay between `low` and `high` if there is room; float (labels,).
    """
    sizes = np.asarray(heights, float)
    order = np.argsort(wanted, kind="stable")
    sizes = sizes[order]
    # Distance of each label from the first one if they touch.
    stacked = np.concatenate([[0], np.cumsum((sizes[1:] + sizes[:-1]) / 2)])
    free = isotonic_regression(np.asarray(wanted, float)[order] - stacked).x
    bottom = low + sizes[0] / 2
    top = max(high - sizes[-1] / 2 - stacked[-1], bottom)
    positions = np.empty(len(sizes))
    positions[order] = np.clip(free, bottom, top) + stacked
    return positions


def beside(axes: Axes, labels: Sequence[Label], axes_height: float) -> None:
    """Write labels to the right of the axes, each joined with the end of its line.

    `axes_height` is the height of the axes in inches, about.
    """
    low, high = axes.get_ylim()
    right = axes.get_xlim()[1]
    unit = (high - low) / (72 * axes_height)
    heights = [unit * FONT_SIZE * LINE_HEIGHT * (1 + label.text.count("\n")) for label in labels]
    places = spread([label.y for label in labels], heights, low, high)
    transform = axes.get_yaxis_transform()
    for label, place in zip(labels, places, strict=True):
        axes.plot(
            *([1.0, 1.03], [label.y, place]),
            transform=transform,
            color=label.colour,
            linewidth=0.8,
            clip_on=False,
        )
        axes.text(
            *(1.04, place, label.text),
            transform=transform,
            va="center",
            fontsize=FONT_SIZE,
            linespacing=1.05,
        )
    axes.set_xlim(right=right)
    axes.set_ylim(low, high)
