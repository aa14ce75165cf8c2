"""The figure of the differences between runs, and its finding."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from workflow_scripts.report.palette import BLUE, GREEN, PURPLE, RED
from workflow_scripts.report.svg import INK, text_of_name
from workflow_scripts.results.comparison import LEVEL
from workflow_scripts.results.run_comparison import ALL_NETWORKS

# The colour and marker of each run.
STYLES = [(BLUE, "o"), (RED, "s"), (GREEN, "^"), (PURPLE, "D")]
# Inches of a network's row and of each run in it.
ROW, RUN = 0.16, 0.16
# Characters of a name: longer ones would leave no room for the intervals.
LONGEST = 24


def differences(shown: pd.DataFrame, first: str) -> Figure:
    """Difference to the run `first` for each network, with its interval; filled if significant.

    `shown` has the rows with a difference of the table of `run_comparison.compare`. Several runs
    have markers of their own, with their names beside those of the first network.
    """
    networks = list(dict.fromkeys(shown["variant"]))
    runs = list(dict.fromkeys(shown["run"]))
    n_rows = len(networks)
    height = n_rows * (ROW + RUN * len(runs)) + 0.9
    figure = Figure(figsize=(6.5, height), layout="constrained")
    axes = figure.add_subplot()
    axes.axvline(0, color=INK, lw=1)
    step = RUN / (ROW + RUN * len(runs))
    labelled = set()
    for row in shown.to_dict("records"):
        number = runs.index(row["run"])
        colour, marker = STYLES[number % len(STYLES)]
        y = networks.index(row["variant"]) + step * (number - (len(runs) - 1) / 2)
        half = 0.0 if np.isnan(row["half_width"]) else row["half_width"]
        significant = row["p_holm"] < LEVEL
        axes.errorbar(
            *(row["difference"], y),
            xerr=half,
            fmt=marker,
            color=colour,
            markersize=5,
            markerfacecolor=colour if significant else "none",
            capsize=2,
            lw=1.4,
        )
        label = f"{row['difference']:+.1f}" if round(row["difference"], 1) else "0.0"
        if len(runs) > 1 and row["run"] not in labelled:
            labelled.add(row["run"])
            label += f" {text_of_name(row['run'], LONGEST)}"
        end = (row["difference"] + half, y)
        axes.annotate(label, end, (5, 0), textcoords="offset points", va="center", fontsize=8)
    if networks[-1] == ALL_NETWORKS and n_rows > 1:
        axes.axhline(n_rows - 1.5, color=INK, lw=0.5, alpha=0.5)
    axes.set_yticks(range(n_rows), [text_of_name(name, LONGEST) for name in networks])
    axes.set_ylim(n_rows - 0.4, -0.6)
    before = text_of_name(first, LONGEST)
    other = text_of_name(runs[0], LONGEST) if len(runs) == 1 else "the other run"
    axes.set_xlabel(f"Accuracy minus that of {before}, points; to the right, {other} is better")
    return figure


def finding(shown: pd.DataFrame, first: str) -> str:
    """A sentence for each run on what the figure shows."""
    sentences = []
    overall = shown[(shown["variant"] == ALL_NETWORKS) & (shown["p_holm"] < LEVEL)]
    for run, own in shown[shown["variant"] != ALL_NETWORKS].groupby("run", sort=False):
        better, worse = (own["difference"] > 0).sum(), (own["difference"] < 0).sum()
        n = (own["p_holm"] < LEVEL).sum()
        told = f"{n} {'is' if n == 1 else 'are'} significant" if n else "none is significant"
        if not n and run in set(overall["run"]):
            told += " alone, but their mean is"
        networks = "1 network" if len(own) == 1 else f"{len(own)} networks"
        sentences.append(
            f"Of {networks}, {better} {'is' if better == 1 else 'are'} better in {run} than in "
            f"{first} and {worse} worse; {told}."
        )
    return " ".join(sentences)
