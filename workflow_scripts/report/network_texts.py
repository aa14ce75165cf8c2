"""What the page shows of each network: confusions, its surest mistakes, its learning."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

# The surest mistakes of a network that the page shows.
N_MISTAKES = 5


@dataclass(frozen=True)
class Mistake:
    """A track that a network decides wrong: how sure, and what each segment votes for.

    `probability` is the mean of the decided class; `votes` are names of classes.
    """

    track_id: str
    label: str
    predicted: str
    probability: float
    votes: list[str]


def confusions(predictions: pd.DataFrame, classes: Sequence[str]) -> np.ndarray:
    """Tracks by true class (rows) and decision (columns)."""
    table = pd.crosstab(predictions["label"], predictions["predicted"])
    return table.reindex(index=classes, columns=classes, fill_value=0).to_numpy()


def most_frequent_confusion(counts: np.ndarray, classes: Sequence[str]) -> str:
    """A sentence on the largest number off the diagonal."""
    wrong = counts - np.diag(np.diag(counts))
    if not wrong.any():
        return "It confuses no class with another."
    i, j = np.unravel_index(wrong.argmax(), wrong.shape)
    return (
        f"Its most frequent confusion: {wrong[i, j]} of {counts[i].sum()} {classes[i]} "
        f"are taken for {classes[j]}."
    )


def surest_mistakes(predictions: pd.DataFrame, classes: Sequence[str]) -> list[Mistake]:
    """The N_MISTAKES wrong decisions of the highest mean probability, the highest first."""
    wrong = predictions[predictions["predicted"] != predictions["label"]]
    mistakes = [
        Mistake(
            row["track_id"],
            row["label"],
            row["predicted"],
            float(row[f"probability_{row['predicted']}"]),
            [classes[int(number)] for number in row["segments"].split()],
        )
        for row in wrong.to_dict("records")
    ]
    return sorted(mistakes, key=lambda m: (-m.probability, m.track_id))[:N_MISTAKES]


def learning(histories: Sequence[pd.DataFrame]) -> str:
    """A sentence on which epochs were kept, of how many."""
    kept = [int(h.loc[h["validation_accuracy"].idxmax(), "epoch"]) for h in histories]
    lengths = [len(history) for history in histories]
    trained = _range(lengths)
    return f"Trained for {trained} epochs a fold; kept is the model of epoch {_range(kept)}."


def _range(values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"
