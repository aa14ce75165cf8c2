"""Labels beside the ends of lines, instead of a legend."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from scipy.optimize import isotonic_regression

from workflow_scripts.report.palette import Dashes

FONT_SIZE = 7.5
# Height of a line of labels, of the font size.
LINE_HEIGHT = 1.35


# Inches of the line from the end of the axes to a sample of the line's style, of this sample, and
# of the gap before the text.
LEADER, SAMPLE, GAP = 0.12, 0.24, 0.05


@dataclass(frozen=True)
class Label:
    """The text beside the end of a line, at `y` in the units of the axis, and the line's style."""

    y: float
    text: str
    colour: str
    dashes: Dashes = "-"
    marker: str = ""


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


def beside(axes: Axes, labels: Sequence[Label], axes_size: tuple[float, float]) -> None:
    """Write labels to the right of the axes, each joined with the end of its line.

    `axes_size` is about the width and the height of the axes in inches.
    """
    low, high = axes.get_ylim()
    limits = axes.get_xlim()
    unit = (high - low) / (72 * axes_size[1])
    heights = [unit * FONT_SIZE * LINE_HEIGHT * (1 + label.text.count("\n")) for label in labels]
    places = spread([label.y for label in labels], heights, low, high)
    start, end = LEADER / axes_size[0], (LEADER + SAMPLE) / axes_size[0]
    for label, place in zip(labels, places, strict=True):
        style: dict[str, Any] = {
            "transform": axes.get_yaxis_transform(),
            "color": label.colour,
            "clip_on": False,
        }
        axes.plot([1, 1 + start], [label.y, place], linewidth=0.5, **style)
        axes.plot(
            [1 + start, 1 + end], [place, place], linewidth=1.2, linestyle=label.dashes, **style
        )
        axes.plot([1 + (start + end) / 2], [place], marker=label.marker, markersize=4, **style)
        axes.text(
            *(1 + end + GAP / axes_size[0], place, label.text),
            transform=axes.get_yaxis_transform(),
            va="center",
            fontsize=FONT_SIZE,
            linespacing=1.2,
        )
    axes.set_xlim(limits)
    axes.set_ylim(low, high)
