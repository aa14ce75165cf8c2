"""Read and write predictions/<variant>/fold-<k>.csv: they must be those of the fold's test tracks.

A reader checks the tracks and labels against folds.csv, each predicted class against its votes, and
the checksum.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts import checked_tables
from workflow_scripts.dataset.split import Tracks
from workflow_scripts.errors import UserError, reading
from workflow_scripts.results import predictions

# The texts have 8 digits of float32.
ROUNDING = 1e-4


@dataclass(frozen=True)
class Origin:
    """The model that predicts: variant, fold, and the digest of its weights.npz."""

    variant: str
    fold: int
    weights: str

    @classmethod
    def of(cls, fit: Mapping[str, Any]) -> "Origin":
        """The model that a fit.json with this content describes."""
        return cls(fit["variant"], fit["fold"], fit["digests"]["weights"])


def write(csv: Path, table: pd.DataFrame, tracks: Tracks, origin: Origin) -> None:
    """Write a table of `predictions.table`."""
    checked_tables.write(csv, table, _what(tracks, origin))


def read(csv: Path, tracks: Tracks, origin: Origin) -> pd.DataFrame:
    """The predictions of a model for the test tracks of its fold; names are text.

    Raises UserError, which says what is wrong, if the file is damaged or of another model.
    """
    with reading(csv):
        table = pd.read_csv(csv, dtype=str, keep_default_na=False)
    # These name the row; the checksum finds the rest.
    for problem in problems(table, tracks, origin.fold):
        raise UserError(f"{csv} {problem}; remove it and run snakemake")
    checked_tables.check(csv, _what(tracks, origin))
    return predictions.read(csv).iloc[:, :-1]


def problems(table: pd.DataFrame, tracks: Tracks, fold: int) -> Iterator[str]:
    """What is wrong with a table of predictions as text; a check may need those before it."""
    columns = ["track_id", "label", "predicted", "n_segments", "segments"]
    columns += [f"{kind}_{name}" for kind in ("votes", "probability") for name in tracks.classes]
    for column in columns:
        if column not in table:
            yield f"has no column {column}"
    yield from _problems_of_tracks(table, tracks, fold)
    yield from _problems_of_votes(table, tracks.classes)


def _what(tracks: Tracks, origin: Origin) -> str:
    return (
        f"the predictions of {origin.variant}, fold {origin.fold}, with the weights "
        f"{origin.weights[:16]} for the tracks {tracks.key}"
    )


def _problems_of_tracks(table: pd.DataFrame, tracks: Tracks, fold: int) -> Iterator[str]:
    test = tracks.part(fold, "test")
    labels = dict(zip(tracks.track_id[test], tracks.label[test], strict=True))
    twice = table.loc[table["track_id"].duplicated(), "track_id"]
    if len(twice):
        yield f"has the track {twice.iloc[0]} twice"
    foreign = table.loc[~table["track_id"].isin(labels), "track_id"]
    if len(foreign):
        yield f"has the track {foreign.iloc[0]!r}, which is not a test track of fold {fold}"
    if missing := len(labels) - len(table):
        yield f"lacks {missing} of the {len(labels)} test tracks of fold {fold}"
    wrong = table[table["label"] != table["track_id"].map(labels)]
    for _, row in wrong.iterrows():
        yield f"gives {row['track_id']} the label {row['label']!r}, not {labels[row['track_id']]}"


def _problems_of_votes(table: pd.DataFrame, classes: Sequence[str]) -> Iterator[str]:
    try:
        n_segments = table["n_segments"].to_numpy().astype(np.int64)
        votes = table[[f"votes_{name}" for name in classes]].to_numpy().astype(np.int64)
        means = table[[f"probability_{name}" for name in classes]].to_numpy().astype(np.float64)
    except (ValueError, OverflowError) as reason:
        yield f"has a cell that is not a number: {reason}"
        return
    unlikely = ~((means >= -ROUNDING) & (means <= 1 + ROUNDING)).all(axis=1)
    unlikely |= ~(np.abs(means.sum(axis=1) - 1) <= ROUNDING * len(classes))
    most = votes == votes.max(axis=1, keepdims=True)
    # The rule of `votes.majority_vote`.
    expected = np.array(classes)[np.where(most, means, -np.inf).argmax(axis=1)]
    segments = np.array([_counts(text, len(classes)) for text in table["segments"]])
    for wrong, sentence in (
        ((votes < 0).any(axis=1), "has negative votes for {}"),
        (votes.sum(axis=1) != n_segments, "has more or fewer votes than segments for {}"),
        (n_segments < 1, "has no segments of {}"),
        (unlikely, "has probabilities of {} that are not those of classes"),
        ((segments != votes).any(axis=1), "has other votes than the segments of {}"),
        (
            table["predicted"].to_numpy() != expected,
            "predicts a class of {} that is not the one with the most votes",
        ),
    ):
        if wrong.any():
            yield sentence.format(table["track_id"][wrong.argmax()])


def _counts(segments: str, n_classes: int) -> list[int]:
    """How many segments vote for each class; what is not the number of a class is no vote."""
    counts = Counter(segments.split())
    return [counts[str(number)] for number in range(n_classes)]
