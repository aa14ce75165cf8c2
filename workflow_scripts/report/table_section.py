"""Table I on the page: sortable columns, and one dot per fold."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.results.baselines import shown as shown_baseline
from workflow_scripts.results.table1 import INTERVAL, SHOWN_INTERVAL, for_people, spread

NUMERIC = {
    *("Parameters", "Accuracy", "Segments", "Classes", "Between seeds"),
    *(SHOWN_INTERVAL, "Paper", "Paper's baseline"),
}
# A narrow window shows the first columns and hides the last.
FIRST, LAST = ("Variant", "Accuracy"), ("Input", "Filter", "Parameters", "Max-pool")
# The column of table1.csv by which a column of the page is sorted.
SORTED_BY = {
    "Input": "input_frames",
    "Parameters": "parameters",
    "Accuracy": "accuracy_mean",
    SHOWN_INTERVAL: INTERVAL[0],
    "Segments": "segment_accuracy_mean",
    "Classes": "class_accuracy_mean",
    "Baseline": "baseline_accuracy",
    "Between seeds": "accuracy_std_seeds",
    "Paper": "paper_accuracy_mean",
    "Paper's baseline": "paper_baseline_accuracy",
}


def table_columns(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The column headers of `table1.for_people`: name, accuracy, dots, results, architecture."""
    results = [title for title in for_people(table) if title not in (*FIRST, *LAST)]
    name, accuracy, *others = [
        {"title": title, "numeric": title in NUMERIC, "sortable": True}
        for title in (*FIRST, *results, *LAST)
    ]
    title = "0 to 100 %" if INTERVAL[0] in table else "Folds, 0 to 100 %"
    dots = {"title": title, "numeric": False, "sortable": False}
    return [name, accuracy, dots, *others]


def table_rows(table: pd.DataFrame, folds: Mapping[str, Sequence[float]]) -> list[dict[str, Any]]:
    """The rows, the best first: cells with the values that they are sorted by, values of the dots.

    `folds` has the accuracy of each fold in %, by variant.
    """
    table = table.sort_values("accuracy_mean", ascending=False, kind="stable")
    shown = for_people(table).to_dict("records")
    heads = [head for head in table_columns(table) if head["sortable"]]
    rows = []
    for row, texts in zip(table.to_dict("records"), shown, strict=True):
        cells = []
        for head in heads:
            text = texts[head["title"]]
            value = row[SORTED_BY[head["title"]]] if head["title"] in SORTED_BY else text
            unknown = isinstance(value, float) and np.isnan(value)
            cells.append({"text": text, "value": "" if unknown else value} | head)
        mean, std, baseline = row["accuracy_mean"], row["accuracy_std"], row["baseline_accuracy"]
        low, high = (row.get(column) for column in INTERVAL)
        rows.append(
            {
                "cells": cells,
                "folds": list(folds[row["variant"]]),
                "mean": mean,
                "low": max(mean - std, 0) if low is None else low,
                "high": min(mean + std, 100) if high is None else high,
                "baseline": None if np.isnan(baseline) else baseline,
            }
        )
    return rows


def baseline_rows(baselines: pd.DataFrame) -> list[tuple[str, str]]:
    """The name and accuracy of each baseline, the best first."""
    grouped = baselines.groupby("baseline")["accuracy"]
    means, stds = grouped.mean().sort_values(ascending=False), grouped.std(ddof=0)
    stds = stds.where(grouped.size() > 1)
    return [(shown_baseline(name), spread(mean, stds[name])) for name, mean in means.items()]
