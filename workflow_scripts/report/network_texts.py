"""Texts of the page about each network: confusions, confident errors, training."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

# Number of wrong predictions per network that the page shows.
N_ERRORS = 5


@dataclass(frozen=True)
class Error:
    """A track with a wrong prediction.

    `probability` is the mean probability of the predicted class; `votes` are the classes that its
    segments vote for, in order.
    """

    track_id: str
    label: str
    predicted: str
    probability: float
    votes: list[str]


def confusions(predictions: pd.DataFrame, classes: Sequence[str]) -> np.ndarray:
    """Numbers of tracks by label (rows) and predicted class (columns), int (classes, classes)."""
    table = pd.crosstab(predictions["label"], predictions["predicted"])
    return table.reindex(index=classes, columns=classes, fill_value=0).to_numpy()


def most_frequent_confusion(counts: np.ndarray, classes: Sequence[str]) -> str:
    """A sentence on the largest number off the diagonal of `confusions`."""
    wrong = counts - np.diag(np.diag(counts))
    if not wrong.any():
        return "It does not confuse any classes."
    i, j = np.unravel_index(wrong.argmax(), wrong.shape)
    return (
        f"Most frequent confusion: {wrong[i, j]} of {counts[i].sum()} tracks of {classes[i]} are "
        f"predicted as {classes[j]}."
    )


def most_confident_errors(predictions: pd.DataFrame, classes: Sequence[str]) -> list[Error]:
    """The N_ERRORS wrong predictions with the highest mean probability, the highest first."""
    wrong = predictions[predictions["predicted"] != predictions["label"]]
    errors = [
        Error(
            row["track_id"],
            row["label"],
            row["predicted"],
            float(row[f"probability_{row['predicted']}"]),
            [classes[int(number)] for number in row["segments"].split()],
        )
        for row in wrong.to_dict("records")
    ]
    return sorted(errors, key=lambda e: (-e.probability, e.track_id))[:N_ERRORS]


def learning(histories: Sequence[pd.DataFrame]) -> str:
    """A sentence on the number of epochs of each fold and the best epochs."""
    kept = [int(h.loc[h["validation_accuracy"].idxmax(), "epoch"]) for h in histories]
    lengths = [len(history) for history in histories]
    trained = _range(lengths)
    return f"Trained for {trained} epochs per fold; best epoch: {_range(kept)}."


def _range(values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"
