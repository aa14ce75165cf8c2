"""Figures of results: accuracies, differences, confusions, learning curves, interventions."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from workflow_scripts.interpretation.interventions import SHIFT, STRETCH
from workflow_scripts.report import line_labels
from workflow_scripts.report.confusions import Shown
from workflow_scripts.report.line_labels import Label
from workflow_scripts.report.palette import (
    BLUE,
    COLOUR_OF,
    DASHES,
    GREY,
    MARKER_OF,
    RED,
    text_on,
)
from workflow_scripts.report.svg import INK, text_of_name

# Width in inches of a figure as wide as the page.
WIDTH = 6.5
# Largest number of points of a curve; more are not visible.
MOST_POINTS = 300
# Number of networks in a table of differences.
MOST_COMPARED = 20
# Height in inches of a row of text.
ROW = 0.16


def accuracies(folds: Mapping[str, Sequence[float]], baselines: Mapping[str, float]) -> Figure:
    """One row per variant: accuracies of the folds, mean ± standard deviation, baseline."""
    figure = Figure(figsize=(WIDTH, 0.32 * len(folds) + 0.8), layout="constrained")
    axes = figure.add_subplot()
    for row, (variant, values) in enumerate(folds.items()):
        axes.plot(values, [row] * len(values), "o", color=BLUE, markersize=4, fillstyle="none")
        axes.errorbar(np.mean(values), row, xerr=np.std(values), fmt="D", color=INK, markersize=4)
        if not np.isnan(baselines[variant]):
            axes.plot(baselines[variant], row, "|", color=RED, markersize=12, markeredgewidth=2)
    axes.set_yticks(range(len(folds)), map(text_of_name, folds))
    axes.invert_yaxis()
    axes.set_xlim(0, 102)
    axes.set_xlabel("Accuracy, % of the test tracks")
    return figure


def differences(pairs: pd.DataFrame, variants: Sequence[str], level: float) -> Figure:
    """Difference in accuracy, row minus column, in points; a bullet marks p_holm < `level`.

    `variants` are those to show.
    """
    size = len(variants)
    values, significant = np.full((size, size), np.nan), np.zeros((size, size), bool)
    positions = {variant: number for number, variant in enumerate(variants)}
    for pair in pairs.itertuples():
        if pair.first in positions and pair.second in positions:
            i, j = positions[pair.first], positions[pair.second]
            values[i, j], values[j, i] = pair.difference, -pair.difference
            significant[i, j] = significant[j, i] = pair.p_holm < level
    figure = Figure(figsize=(_wide(size), 0.34 * size + 1.4), layout="constrained")
    axes = figure.add_subplot()
    bound = max(np.nanmax(np.abs(values), initial=0), 1)
    image = axes.imshow(values, cmap="RdBu", vmin=-bound, vmax=bound, aspect="auto")
    texts = {
        (i, j): (f"{values[i, j]:+.0f}" if round(values[i, j]) else "0")
        + ("\N{BULLET}" if significant[i, j] else "")
        for i, j in zip(*np.nonzero(~np.isnan(values)), strict=True)
    }
    _cells(axes, image, values, texts)
    names = [text_of_name(variant) for variant in variants]
    axes.set_xticks(range(size), names, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(size), names)
    _colour_bar(axes, image, "row minus column, points")
    return figure


def confusion(shown: Shown) -> Figure:
    """Numbers of tracks by label (rows) and predicted class (columns), shaded by row share."""
    n_rows, n_columns = shown.counts.shape
    figure = Figure(figsize=(_wide(n_columns), 0.34 * n_rows + 1.4), layout="constrained")
    axes = figure.add_subplot()
    percent = 100 * shown.shares
    image = axes.imshow(percent, cmap="Blues", vmin=0, vmax=100, aspect="auto")
    counted = zip(*np.nonzero(shown.counts), strict=True)
    _cells(axes, image, percent, {(i, j): str(shown.counts[i, j]) for i, j in counted})
    columns, rows = map(text_of_name, shown.columns), map(text_of_name, shown.rows)
    axes.set_xticks(range(n_columns), columns, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(n_rows), rows)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("label")
    if shown.is_limited:
        axes.set_title(f"{n_rows} of {shown.n_classes} classes: those of the most confusions")
    _colour_bar(axes, image, "% of the label's tracks")
    return figure


def _wide(n_columns: int) -> float:
    """The width in inches of a table with so many columns of numbers."""
    return max(WIDTH, 0.4 * n_columns + 2.5)


def _cells(
    axes: Axes, image: AxesImage, values: np.ndarray, texts: Mapping[tuple[int, int], str]
) -> None:
    """Write `texts` into the cells of an image of `values`, readable on the colour of each cell."""
    colours = text_on(image.to_rgba(values))
    for (i, j), text in texts.items():
        axes.text(j, i, text, ha="center", va="center", color=colours[i, j])
    axes.grid(False)


def _colour_bar(axes: Axes, image: AxesImage, label: str) -> None:
    bar = axes.figure.colorbar(image, ax=axes, pad=0.02, fraction=0.05, aspect=30)
    bar.set_label(label)
    bar.outline.set_visible(False)


def learning_curves(histories: Sequence[pd.DataFrame]) -> Figure:
    """Losses and validation accuracy by epoch, one line per fold; a dot marks the best epoch."""
    figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    lines = {"train_loss": ("training", BLUE, "-"), "validation_loss": ("validation", RED, "--")}
    ends: dict[str, list[float]] = {column: [] for column in lines}
    for history in histories:
        shown = thinned(history)
        for column, (_, colour, dashes) in lines.items():
            left.plot(shown["epoch"], shown[column], color=colour, linestyle=dashes, lw=0.9)
            ends[column].append(shown[column].iloc[-1])
        right.plot(shown["epoch"], 100 * shown["validation_accuracy"], "--", color=RED, lw=0.9)
        best = history.loc[history["validation_accuracy"].idxmax()]
        right.plot(best["epoch"], 100 * best["validation_accuracy"], "o", color=INK, markersize=3)
    line_labels.beside(
        left,
        [
            Label(float(np.median(ends[column])), text, colour, dashes)
            for column, (text, colour, dashes) in lines.items()
        ],
        (1.9, 2),
    )
    left.set_title("Cross-entropy")
    right.set_title("Validation accuracy, % of segments")
    for axes in (left, right):
        axes.set_xlabel("epoch")
    return figure


def thinned(history: pd.DataFrame) -> pd.DataFrame:
    """At most MOST_POINTS epochs of a history, evenly spaced, including the first and the last."""
    rows = np.linspace(0, len(history) - 1, min(len(history), MOST_POINTS)).round().astype(int)
    return history.iloc[rows]


def interventions(table: pd.DataFrame, kind: str, architectures: Mapping[str, str]) -> Figure:
    """Accuracy under one kind of intervention, one line per variant, coloured by architecture.

    Dashes distinguish the variants of an architecture, markers the architectures.
    """
    height = max(3.8, ROW * len(architectures) + 0.8)
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.add_subplot()
    of_kind = table[table["intervention"] == kind]
    used = dict.fromkeys(architectures.values(), 0)
    labels = []
    for variant, architecture in architectures.items():
        rows = of_kind[of_kind["variant"] == variant].sort_values("amount")
        dashes = DASHES[used[architecture] % len(DASHES)]
        used[architecture] += 1
        colour, marker = COLOUR_OF[architecture], MARKER_OF[architecture]
        axes.plot(
            rows["amount"],
            rows["accuracy_mean"],
            color=colour,
            linestyle=dashes,
            linewidth=1.2,
            marker=marker,
            markersize=4,
        )
        last, name = rows["accuracy_mean"].iloc[-1], text_of_name(variant, 24)
        labels.append(Label(last, name, colour, dashes, marker))
    axes.margins(x=0.02)
    axes.set_ylim(0, 100)
    axes.set_ylabel("Accuracy, % of the test tracks")
    titles = {STRETCH: "tempo, relative to the original", SHIFT: "shift, mel bands up"}
    axes.set_xlabel(titles[kind])
    unchanged = {STRETCH: 1, SHIFT: 0}[kind]
    axes.axvline(unchanged, color=GREY, linewidth=0.8, zorder=1)
    line_labels.beside(axes, labels, (4.4, height - 0.6))
    return figure
