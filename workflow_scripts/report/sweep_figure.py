"""The figure of a sweep: accuracy against the value, with intervals and the folds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from matplotlib.transforms import ScaledTranslation

from workflow_scripts.report import line_labels, sweep_texts
from workflow_scripts.report.line_labels import Label
from workflow_scripts.report.palette import BLUE, COLOUR_OF, GREY, MARKER_OF
from workflow_scripts.report.svg import text_of_name

WIDTH, HEIGHT = 6.5, 3.6
# Values that differ by more than this factor have a logarithmic axis.
LINEAR_UP_TO = 20
# Least distance of two ticks, of the width of the axes: that of upright labels, and of level ones,
# for each of their characters.
APART_UPRIGHT, APART_A_CHARACTER = 0.025, 0.023
LONGEST_TICK = 14
# Points from the circles of the folds to the mean and its interval.
FOLDS_BESIDE = 4.5


def sweep(
    rows: pd.DataFrame,
    folds: Mapping[str, Sequence[float]],
    references: Sequence[Label],
    architecture: str,
) -> Figure:
    """Mean accuracies with their intervals, folds beside them as circles, baselines and chance.

    `rows` are those of one sweep in sweeps.csv. `folds` has the accuracies of each variant in %. A
    network that is not known to have converged has a hollow mark.
    """
    figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
    axes = figure.add_subplot()
    axes.set_ylim(0, 100)
    x = _positions(axes, rows["value"].tolist())
    for label in references:
        axes.axhline(label.y, linewidth=1, zorder=1, color=label.colour, linestyle=label.dashes)
    beside = ScaledTranslation(-FOLDS_BESIDE / 72, 0, figure.dpi_scale_trans)
    colour, marker = COLOUR_OF.get(architecture, BLUE), MARKER_OF.get(architecture, "o")
    if sweep_texts.is_numeric(rows):
        order = np.argsort(x)
        axes.plot(x[order], rows["accuracy_mean"].to_numpy()[order], color=colour, lw=1.2, zorder=2)
    for place, row in zip(x, rows.itertuples(), strict=True):
        own = folds[row.variant]
        axes.plot(
            *([place] * len(own), own, "o"),
            color=GREY,
            markersize=2.6,
            fillstyle="none",
            markeredgewidth=0.7,
            clip_on=False,
            transform=axes.transData + beside,
        )
        axes.errorbar(
            *(place, row.accuracy_mean),
            yerr=[[row.accuracy_mean - row.low], [row.high - row.accuracy_mean]],
            fmt=marker,
            color=colour,
            fillstyle="full" if row.converged else "none",
            markersize=5,
            elinewidth=1.2,
            capsize=2.5,
            clip_on=False,
            zorder=3,
        )
    axes.set_xlabel(sweep_texts.axis(rows["key"].iloc[0]))
    axes.set_ylabel("Accuracy, % of the test tracks")
    line_labels.beside(axes, references, (4.3, 0.8 * HEIGHT))
    return figure


def _positions(axes: Axes, values: Sequence[Any]) -> np.ndarray:
    """The place of each value on the x-axis, whose ticks are these values."""
    texts = [text_of_name(sweep_texts.shown(value), LONGEST_TICK) for value in values]
    if not sweep_texts.are_numbers(values):
        axes.set_xticks(range(len(values)), texts, rotation=40, ha="right", rotation_mode="anchor")
        axes.set_xlim(-0.5, len(values) - 0.5)
        return np.arange(len(values), dtype=float)
    x = np.asarray(values, float)
    scaled = x
    if x.min() > 0 and x.max() > LINEAR_UP_TO * x.min():
        axes.set_xscale("log")
        scaled = np.log10(x)
    extent = float(np.ptp(scaled)) or 1.0
    places = (scaled - scaled.min()) / (1.1 * extent)
    distance = np.diff(np.sort(places)).min(initial=1)
    ticks = _ticks(np.sort(x), np.sort(places))
    known = dict(zip(x.tolist(), texts, strict=True))
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: known.get(value, "")))
    if distance < APART_A_CHARACTER * max(map(len, texts)):
        axes.tick_params(axis="x", labelrotation=90)
    ends = np.array([scaled.min() - 0.05 * extent, scaled.max() + 0.05 * extent])
    axes.set_xlim(*(10**ends if axes.get_xscale() == "log" else ends))
    return x


def _ticks(values: np.ndarray, places: np.ndarray) -> list[float]:
    """Values, sorted, that are far enough apart for upright labels."""
    chosen = [0]
    for number in range(1, len(values)):
        if places[number] - places[chosen[-1]] >= APART_UPRIGHT:
            chosen.append(number)
    return [float(values[number]) for number in chosen]
