"""Which classes a network confuses: counts of tracks, and the part of them that fits a page."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

# Number of classes that a table or a figure of confusions shows.
MOST_CLASSES = 20
OTHERS = "other classes"


@dataclass(frozen=True)
class Confusions:
    """Numbers of tracks by label and predicted class: only the pairs that have any.

    `label` and `predicted` are positions in `classes`, `tracks` the numbers, all int (pairs,) and
    sorted by label, then by predicted class.
    """

    classes: Sequence[str]
    label: np.ndarray
    predicted: np.ndarray
    tracks: np.ndarray

    @classmethod
    def of(cls, predictions: pd.DataFrame, classes: Sequence[str]) -> "Confusions":
        """Count predictions with the columns label and predicted."""
        n = len(classes)
        label, predicted = (
            pd.Categorical(predictions[column], classes).codes.astype(np.int64)
            for column in ("label", "predicted")
        )
        pairs, tracks = np.unique(label * n + predicted, return_counts=True)
        return cls(classes, pairs // n, pairs % n, tracks)

    def sentence(self) -> str:
        """A sentence on the most frequent confusion."""
        wrong = np.where(self.label != self.predicted, self.tracks, 0)
        if not wrong.any():
            return "It does not confuse any classes."
        most = wrong.argmax()
        label = self.label[most]
        total = self.tracks[self.label == label].sum()
        return (
            f"Most frequent confusion: {wrong[most]} of {total} track{'s' if total > 1 else ''} of "
            f"{self.classes[label]} {'are' if wrong[most] > 1 else 'is'} predicted as "
            f"{self.classes[self.predicted[most]]}."
        )

    def shown(self) -> "Shown":
        """The rows and columns of at most MOST_CLASSES classes, in the order of `classes`."""
        chosen = self._most_confused()
        n = len(chosen)
        limited = n < len(self.classes)
        counts = np.zeros((n, n + limited), int)
        totals = np.zeros(n, int)
        row_of = {position: row for row, position in enumerate(chosen)}
        for label, predicted, tracks in zip(self.label, self.predicted, self.tracks, strict=True):
            if label in row_of:
                counts[row_of[label], row_of.get(predicted, n)] += tracks
                totals[row_of[label]] += tracks
        rows = [self.classes[position] for position in chosen]
        shares = counts / np.maximum(totals, 1)[:, np.newaxis]
        return Shown(rows, [*rows, OTHERS] if limited else rows, counts, shares, len(self.classes))

    def _most_confused(self) -> list[int]:
        """The classes of the most frequent confusions, then the first others; sorted positions."""
        if len(self.classes) <= MOST_CLASSES:
            return list(range(len(self.classes)))
        wrong = self.label != self.predicted
        order = np.argsort(-self.tracks[wrong], kind="stable")
        chosen: dict[int, None] = {}
        for pair in zip(self.label[wrong][order], self.predicted[wrong][order], strict=True):
            chosen |= dict.fromkeys(map(int, pair))
            if len(chosen) >= MOST_CLASSES:
                break
        chosen |= dict.fromkeys(range(MOST_CLASSES))
        return sorted(list(chosen)[:MOST_CLASSES])

    def table(self) -> pd.DataFrame:
        """All pairs: columns label, predicted, tracks."""
        names = np.array(self.classes, object)
        columns = {"label": names[self.label], "predicted": names[self.predicted]}
        return pd.DataFrame(columns | {"tracks": self.tracks})


@dataclass(frozen=True)
class Shown:
    """A table of confusions that fits a page: labels are rows, predicted classes are columns.

    If there are more classes than rows, the last column counts predictions of the other classes.
    `counts` are numbers of tracks, int (rows, columns), `shares` those of all tracks of the label,
    0 to 1. `n_classes` is the number of all classes.
    """

    rows: Sequence[str]
    columns: Sequence[str]
    counts: np.ndarray
    shares: np.ndarray
    n_classes: int

    @property
    def is_limited(self) -> bool:
        """Whether some classes have no row."""
        return len(self.rows) < self.n_classes
