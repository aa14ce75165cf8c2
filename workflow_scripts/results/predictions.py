"""A variant's decisions on the test tracks of one fold, as a table and as accuracies."""

from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.results.votes import majority_vote


def table(
    track_ids: np.ndarray,
    labels: np.ndarray,
    classes: list[str],
    probabilities: np.ndarray,
    source: np.ndarray,
) -> pd.DataFrame:
    """A row a track: track_id, label, predicted, n_segments, votes and mean probability a class.

    A last column, segments, holds for each segment in order the position in `classes` of the class
    that it votes for, with spaces between.
    `probabilities` (segments, classes) belong to the tracks at the positions `source`.
    """
    rows = []
    for position, (track_id, label) in enumerate(zip(track_ids, labels, strict=True)):
        own = probabilities[source == position]
        decided, votes, mean = majority_vote(own)
        row = {"track_id": track_id, "label": label, "predicted": classes[decided]}
        row["n_segments"] = len(own)
        row |= {f"votes_{name}": n for name, n in zip(classes, votes, strict=True)}
        row |= {f"probability_{name}": p for name, p in zip(classes, mean, strict=True)}
        row["segments"] = " ".join(map(str, own.argmax(axis=1)))
        rows.append(row)
    return pd.DataFrame(rows)


def read(csv: Path) -> pd.DataFrame:
    """A table written by `evaluate`; names stay text."""
    names = {"track_id": str, "label": str, "predicted": str, "segments": str}
    return pd.read_csv(csv, dtype=names, keep_default_na=False)


def track_accuracy(predictions: pd.DataFrame) -> float:
    """Per cent of the tracks decided right."""
    return 100 * float((predictions["predicted"] == predictions["label"]).mean())


def segment_accuracy(predictions: pd.DataFrame) -> float:
    """Per cent of the segments that vote for their track's class."""
    right = sum(row[f"votes_{row['label']}"] for _, row in predictions.iterrows())
    return 100 * float(right / predictions["n_segments"].sum())
