"""The section of the page that names the tracks of the same recording."""

from typing import Any

import pandas as pd

from workflow_scripts.dataset import replicas
from workflow_scripts.dataset.split import PARTS, Tracks
from workflow_scripts.results.replica_notes import with_folds

# A reader can look at so many; replicas.csv has all.
MOST_ROWS = 200


def replica_section(pairs: pd.DataFrame, tracks: Tracks) -> dict[str, Any]:
    """The rows of the section and the number of rows left out; empty without pairs.

    `pairs` is replicas.csv. Pairs of which no track is used are left out.
    """
    table = with_folds(pairs, tracks)
    if not len(table):
        return {}
    # Doubtful pairs first: they are what a reader has to check.
    doubtful = table["verdict"] == replicas.DOUBTFUL
    ordered = pd.concat([table[doubtful], table[~doubtful]])
    rows = [
        {
            "first": row.first,
            "second": row.second,
            "verdict": row.verdict,
            "score": "" if pd.isna(row.score) else f"{row.score:.2f}",
            "folds": [_fold(fold, tracks) for fold in (row.first_fold, row.second_fold)],
        }
        for row in ordered.head(MOST_ROWS).itertuples()
    ]
    return {"rows": rows, "more": len(table) - len(rows)}


def _fold(fold: float, tracks: Tracks) -> str:
    if pd.isna(fold):
        return "skipped"
    return PARTS[int(fold)] if tracks.is_fixed else f"{fold:.0f}"
