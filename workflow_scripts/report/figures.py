"""Figures of results: accuracies, differences, confusions, learning curves, interventions."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.style
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workflow_scripts.interpretation.interventions import SHIFT, STRETCH
from workflow_scripts.report.confusions import Shown
from workflow_scripts.report.svg import INK, text_of_name

matplotlib.style.use(Path(__file__).with_name("figures.mplstyle"))

# The palette of Okabe & Ito, safe for colour blindness on white and on black.
BLUE, ORANGE, GREEN, RED, PURPLE = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7"
COLOUR_OF = {
    "Black-box": PURPLE,
    "Time": BLUE,
    "Frequency": ORANGE,
    "Time-Frequency": GREEN,
    "Time-FrequencyInit": RED,
}
DASHES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))
# Largest number of points of a curve; more are not visible.
MOST_POINTS = 300


def accuracies(folds: Mapping[str, Sequence[float]], baselines: Mapping[str, float]) -> Figure:
    """One row per variant: accuracies of the folds, mean ± standard deviation, baseline."""
    figure = Figure(figsize=(6.5, 0.32 * len(folds) + 0.8), layout="constrained")
    axes = figure.add_subplot()
    for row, (variant, values) in enumerate(folds.items()):
        axes.plot(values, [row] * len(values), "o", color=BLUE, alpha=0.45, markersize=4)
        axes.errorbar(np.mean(values), row, xerr=np.std(values), fmt="D", color=INK, markersize=4)
        if not np.isnan(baselines[variant]):
            axes.plot(baselines[variant], row, "|", color=RED, markersize=12, markeredgewidth=2)
    axes.set_yticks(range(len(folds)), folds)
    axes.invert_yaxis()
    axes.set_xlim(0, 102)
    axes.set_xlabel("Accuracy, % of the test tracks")
    return figure


def differences(pairs: pd.DataFrame, variants: Sequence[str], level: float) -> Figure:
    """Difference in accuracy, row minus column, in points; a bullet marks p_holm < `level`."""
    size = len(variants)
    values, significant = np.full((size, size), np.nan), np.zeros((size, size), bool)
    positions = {variant: number for number, variant in enumerate(variants)}
    for pair in pairs.itertuples():
        i, j = positions[pair.first], positions[pair.second]
        values[i, j], values[j, i] = pair.difference, -pair.difference
        significant[i, j] = significant[j, i] = pair.p_holm < level
    figure = Figure(figsize=(0.5 * size + 1.8, 0.42 * size + 1.4), layout="constrained")
    axes = figure.add_subplot()
    bound = max(np.nanmax(np.abs(values), initial=0), 1)
    axes.imshow(values, cmap="RdBu", vmin=-bound, vmax=bound, aspect="auto")
    for i, j in zip(*np.nonzero(~np.isnan(values)), strict=True):
        mark = "\N{BULLET}" if significant[i, j] else ""
        # The background is the colour of the cell, so the colour of the page does not matter.
        colour = "#ffffff" if abs(values[i, j]) > 0.7 * bound else "#111111"
        points = f"{values[i, j]:+.0f}" if round(values[i, j]) else "0"
        axes.text(j, i, f"{points}{mark}", ha="center", va="center", color=colour)
    axes.set_xticks(range(size), variants, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(size), variants)
    axes.grid(False)
    return figure


def confusion(shown: Shown) -> Figure:
    """Numbers of tracks by label (rows) and predicted class (columns), shaded by row share."""
    n_rows, n_columns = shown.counts.shape
    figure = Figure(figsize=(0.55 * n_columns + 1.5, 0.42 * n_rows + 1.2), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(shown.shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for i, j in zip(*np.nonzero(shown.counts), strict=True):
        colour = "#ffffff" if shown.shares[i, j] > 0.5 else "#111111"
        axes.text(j, i, str(shown.counts[i, j]), ha="center", va="center", color=colour)
    columns, rows = map(text_of_name, shown.columns), map(text_of_name, shown.rows)
    axes.set_xticks(range(n_columns), columns, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(n_rows), rows)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("label")
    if shown.is_limited:
        axes.set_title(f"{n_rows} of {shown.n_classes} classes: those of the most confusions")
    axes.grid(False)
    return figure


def learning_curves(histories: Sequence[pd.DataFrame]) -> Figure:
    """Losses and validation accuracy by epoch, one line per fold; a dot marks the best epoch."""
    figure = Figure(figsize=(6.5, 2.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for number, history in enumerate(histories):
        shown = thinned(history)
        label = {"label": "training"} if number == 0 else {}
        left.plot(shown["epoch"], shown["train_loss"], color=BLUE, lw=0.9, alpha=0.7, **label)
        label = {"label": "validation"} if number == 0 else {}
        left.plot(
            shown["epoch"], shown["validation_loss"], color=ORANGE, lw=0.9, alpha=0.7, **label
        )
        right.plot(
            shown["epoch"], 100 * shown["validation_accuracy"], color=ORANGE, lw=0.9, alpha=0.7
        )
        best = history.loc[history["validation_accuracy"].idxmax()]
        right.plot(best["epoch"], 100 * best["validation_accuracy"], "o", color=INK, markersize=3)
    left.set_title("Cross-entropy")
    left.legend()
    right.set_title("Validation accuracy, % of the segments")
    for axes in (left, right):
        axes.set_xlabel("epoch")
    return figure


def thinned(history: pd.DataFrame) -> pd.DataFrame:
    """At most MOST_POINTS epochs of a history, evenly spaced, including the first and the last."""
    rows = np.linspace(0, len(history) - 1, min(len(history), MOST_POINTS)).round().astype(int)
    return history.iloc[rows]


def interventions(table: pd.DataFrame, kind: str, architectures: Mapping[str, str]) -> Figure:
    """Accuracy under one kind of intervention, one line per variant, coloured by architecture."""
    figure = Figure(figsize=(6.5, 3.6), layout="constrained")
    axes = figure.add_subplot()
    of_kind = table[table["intervention"] == kind]
    used = dict.fromkeys(architectures.values(), 0)
    for variant, architecture in architectures.items():
        rows = of_kind[of_kind["variant"] == variant]
        dashes = DASHES[used[architecture] % len(DASHES)]
        used[architecture] += 1
        axes.plot(
            rows["amount"],
            rows["accuracy_mean"],
            color=COLOUR_OF.get(architecture, GREEN),
            linestyle=dashes,
            label=variant,
        )
    axes.set_ylim(0, 102)
    axes.set_ylabel("Accuracy, %")
    labels = {STRETCH: "tempo, relative to the original", SHIFT: "shift, mel bands up"}
    axes.set_xlabel(labels[kind])
    _legend_beside(axes)
    return figure


def _legend_beside(axes: Axes) -> None:
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), handlelength=2.6, fontsize=8)
