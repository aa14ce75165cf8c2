"""Accuracies and changed predictions, from counts before and after each intervention."""

from pathlib import Path

import pandas as pd

from workflow_scripts import checked_tables
from workflow_scripts.dataset.split import Tracks


def what_counts(variant: str, tracks: Tracks) -> str:
    """What interventions/<variant>.csv is, for its checksum."""
    return f"the interventions of {variant} on the tracks {tracks.key}"


def what_summaries(tracks: Tracks) -> str:
    """What interventions.csv is, for its checksum."""
    return f"the summary of the interventions on the tracks {tracks.key}"


def read(csv: Path, variant: str, tracks: Tracks) -> pd.DataFrame:
    """A table written by the step intervene; names are read as text.

    Raises UserError if it is damaged.
    """
    names = {"label": str, "unchanged": str, "predicted": str}
    what = what_counts(variant, tracks)
    return checked_tables.read(csv, what, dtype=names, keep_default_na=False)


def read_summaries(csv: Path, tracks: Tracks) -> pd.DataFrame:
    """The table interventions.csv. Raises UserError if it is damaged."""
    what = what_summaries(tracks)
    return checked_tables.read(csv, what, dtype={"variant": str}, keep_default_na=False)


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
