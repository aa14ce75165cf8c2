"""What the page needs of the predictions of a fold, which may be of many tracks and classes."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from workflow_scripts.dataset.split import Tracks

# Number of wrong predictions per network that the page shows, and of segments of each.
N_ERRORS = 5
MOST_VOTES = 120


@dataclass(frozen=True)
class Error:
    """A track with a wrong prediction.

    `probability` is the mean probability of the predicted class; `votes` are the classes that its
    first MOST_VOTES segments vote for, in order; `n_segments` is the number of all segments.
    """

    track_id: str
    label: str
    predicted: str
    probability: float
    votes: list[str]
    n_segments: int


@dataclass(frozen=True)
class Outcomes:
    """The predictions of a fold without their votes and probabilities.

    `table` has the columns track_id, label and predicted, categories of all tracks and classes,
    so that each row takes a few bytes. `errors` are the most confident errors.
    """

    table: pd.DataFrame
    errors: list[Error]

    @classmethod
    def of(cls, predictions: pd.DataFrame, tracks: Tracks) -> "Outcomes":
        """The outcomes of a table of `predictions.read`."""
        names = {"track_id": tracks.track_id, "label": tracks.classes, "predicted": tracks.classes}
        columns = {c: pd.Categorical(predictions[c], known) for c, known in names.items()}
        return cls(pd.DataFrame(columns), most_confident_errors(predictions, tracks.classes))


def most_confident_errors(predictions: pd.DataFrame, classes: Sequence[str]) -> list[Error]:
    """The N_ERRORS wrong predictions with the highest mean probability, the highest first."""
    wrong = predictions[predictions["predicted"] != predictions["label"]]
    probability = pd.Series(0.0, index=wrong.index)
    for name, rows in wrong.groupby("predicted"):
        probability[rows.index] = rows[f"probability_{name}"]
    ranked = wrong.assign(probability=probability).sort_values(
        ["probability", "track_id"], ascending=[False, True]
    )
    return [
        Error(
            row.track_id,
            row.label,
            row.predicted,
            float(row.probability),
            [classes[int(number)] for number in row.segments.split()[:MOST_VOTES]],
            len(row.segments.split()),
        )
        for row in ranked[["track_id", "label", "predicted", "probability", "segments"]]
        .head(N_ERRORS)
        .itertuples()
    ]


def most_confident(of_folds: Sequence[Outcomes]) -> list[Error]:
    """The N_ERRORS most confident errors of several folds."""
    errors = [error for fold in of_folds for error in fold.errors]
    return sorted(errors, key=lambda e: (-e.probability, e.track_id))[:N_ERRORS]
