"""Accuracies and changed predictions, from counts before and after each intervention."""

from pathlib import Path

import pandas as pd


def read(csv: Path) -> pd.DataFrame:
    """A table written by the step intervene; names are read as text."""
    names = {"label": str, "unchanged": str, "predicted": str}
    return pd.read_csv(csv, dtype=names, keep_default_na=False)


def summary(counts: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard deviation (ddof 0) over folds; one row per intervention and amount.

    Columns: intervention, amount; accuracy_mean and accuracy_std, in %; changed_mean and
    changed_std, the percentage of the test tracks whose predicted class changes.
    """
    tracks = counts["tracks"]
    per_fold = (
        counts.assign(
            correct=tracks * (counts["predicted"] == counts["label"]),
            changed=tracks * (counts["predicted"] != counts["unchanged"]),
        )
        .groupby(["intervention", "amount", "fold"])[["correct", "changed", "tracks"]]
        .sum()
    )
    shares = pd.DataFrame(
        {
            "accuracy": 100 * per_fold["correct"] / per_fold["tracks"],
            "changed": 100 * per_fold["changed"] / per_fold["tracks"],
        }
    )
    of_amount = shares.groupby(["intervention", "amount"])
    means, stds = of_amount.mean(), of_amount.std(ddof=0)
    table = pd.DataFrame(
        {
            f"{name}_{statistic}": values[name]
            for name in ("accuracy", "changed")
            for statistic, values in (("mean", means), ("std", stds))
        }
    )
    return table.reset_index()


def changes(counts: pd.DataFrame, intervention: str, amount: float) -> pd.DataFrame:
    """Numbers of tracks by predicted class before (rows) and after (columns), over all folds."""
    chosen = counts[(counts["intervention"] == intervention) & (counts["amount"] == amount)]
    table = chosen.pivot_table(
        index="unchanged", columns="predicted", values="tracks", aggfunc="sum", fill_value=0
    )
    classes = sorted({*counts["label"], *counts["unchanged"], *counts["predicted"]})
    return table.reindex(index=classes, columns=classes, fill_value=0)
