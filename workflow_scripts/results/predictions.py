"""The predictions of a variant on the test tracks of one fold: table and accuracies."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.dataset.split import Tracks
from workflow_scripts.errors import reading
from workflow_scripts.results.votes import majority_vote


def table(
    track_ids: np.ndarray,
    labels: np.ndarray,
    classes: list[str],
    probabilities: np.ndarray,
    source: np.ndarray,
) -> pd.DataFrame:
    """A table with one row per track.

    Columns: track_id, label, predicted, n_segments; votes_<class> and probability_<class>, the mean
    over segments; segments, the positions in `classes` that the segments vote for, in order and
    separated by spaces. `probabilities` are (segments, classes); `source`, int (segments,), are the
    positions of their tracks.
    """
    rows = []
    for position, (track_id, label) in enumerate(zip(track_ids, labels, strict=True)):
        own = probabilities[source == position]
        predicted, votes, mean = majority_vote(own)
        row = {"track_id": track_id, "label": label, "predicted": classes[predicted]}
        row["n_segments"] = len(own)
        row |= {f"votes_{name}": n for name, n in zip(classes, votes, strict=True)}
        row |= {f"probability_{name}": p for name, p in zip(classes, mean, strict=True)}
        row["segments"] = " ".join(map(str, own.argmax(axis=1)))
        rows.append(row)
    return pd.DataFrame(rows)


class Numbers:
    """Numbers instead of names, so that the predictions of many variants fit into memory."""

    def __init__(self, tracks: Tracks) -> None:
        self._tracks, self._classes = pd.Index(tracks.track_id), pd.Index(tracks.classes)

    def of(self, predictions: pd.DataFrame) -> pd.DataFrame:
        """track_id, label and predicted as positions in `Tracks.track_id` and `Tracks.classes`."""
        known = {"track_id": self._tracks, "label": self._classes, "predicted": self._classes}
        return pd.DataFrame(
            {c: names.get_indexer(predictions[c]).astype(np.int32) for c, names in known.items()}
        )


def read(csv: Path) -> pd.DataFrame:
    """A table written by the step evaluate; names are read as text."""
    names = {"track_id": str, "label": str, "predicted": str, "segments": str}
    with reading(csv):
        predictions = pd.read_csv(csv, dtype=names, keep_default_na=False)
        # Raises KeyError if a column is missing.
        predictions[[*names, "n_segments"]]
    return predictions


def track_accuracy(predictions: pd.DataFrame) -> float:
    """The percentage of the tracks that are predicted correctly."""
    return 100 * float((predictions["predicted"] == predictions["label"]).mean())


def class_accuracy(predictions: pd.DataFrame) -> float:
    """The percentage of the tracks of a class that are predicted correctly, averaged over classes.

    Each class that has tracks counts the same, however many it has (balanced accuracy).
    """
    correct = predictions["predicted"] == predictions["label"]
    return 100 * float(correct.groupby(predictions["label"].to_numpy()).mean().mean())


def never_predicted(predictions: pd.DataFrame, classes: Sequence[str]) -> list[str]:
    """The classes that no track is predicted as, in the order of `classes`."""
    predicted = set(predictions["predicted"])
    return [name for name in classes if name not in predicted]


def segment_accuracy(predictions: pd.DataFrame) -> float:
    """The percentage of the segments that vote for the label of their track."""
    correct = 0
    for label, rows in predictions.groupby("label"):
        correct += rows[f"votes_{label}"].sum()
    return 100 * float(correct / predictions["n_segments"].sum())
