"""From counts of decisions before and after an intervention to accuracies and moves."""

from pathlib import Path

import pandas as pd


def read(csv: Path) -> pd.DataFrame:
    """A table written by `intervene`; names stay text."""
    names = {"label": str, "unchanged": str, "predicted": str}
    return pd.read_csv(csv, dtype=names, keep_default_na=False)


def summary(counts: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard deviation (ddof 0) over folds, a row an intervention and amount.

    Columns intervention, amount; accuracy_mean, accuracy_std, per cent of the test tracks;
    changed_mean, changed_std, per cent that are decided otherwise than without intervention.
    """
    tracks = counts["tracks"]
    per_fold = (
        counts.assign(
            right=tracks * (counts["predicted"] == counts["label"]),
            moved=tracks * (counts["predicted"] != counts["unchanged"]),
        )
        .groupby(["intervention", "amount", "fold"])[["right", "moved", "tracks"]]
        .sum()
    )
    shares = pd.DataFrame(
        {
            "accuracy": 100 * per_fold["right"] / per_fold["tracks"],
            "changed": 100 * per_fold["moved"] / per_fold["tracks"],
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
    """How many tracks go from which decision (rows) to which (columns), over all folds."""
    chosen = counts[(counts["intervention"] == intervention) & (counts["amount"] == amount)]
    table = chosen.pivot_table(
        index="unchanged", columns="predicted", values="tracks", aggfunc="sum", fill_value=0
    )
    classes = sorted({*counts["label"], *counts["unchanged"], *counts["predicted"]})
    return table.reindex(index=classes, columns=classes, fill_value=0)
