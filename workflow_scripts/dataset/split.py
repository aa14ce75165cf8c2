"""One fold of the experiment: which tracks train, validate and test, with their classes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.atomic_files import atomic
from workflow_scripts.dataset.track_tables import read_table


@dataclass(frozen=True)
class Tracks:
    """The labelled tracks of the data set and their folds; parallel arrays, a row a track.

    `target` is the position of a track's label in `classes`, which are sorted by name.
    """

    track_id: np.ndarray
    label: np.ndarray
    digest: np.ndarray
    fold: np.ndarray
    classes: list[str]
    target: np.ndarray

    @classmethod
    def of(cls, tracks: pd.DataFrame, folds: np.ndarray) -> "Tracks":
        """From the columns track_id, label and digest, and the fold of each row."""
        track_ids, labels, digests = (tracks[c].to_numpy() for c in ("track_id", "label", "digest"))
        classes = sorted(set(labels))
        return cls(track_ids, labels, digests, folds, classes, np.searchsorted(classes, labels))

    @property
    def n_folds(self) -> int:
        """The number of folds."""
        return int(self.fold.max()) + 1

    def part(self, fold: int, name: str) -> np.ndarray:
        """Positions of the "train", "validation" or "test" tracks when `fold` is tested.

        Validation is the fold after the tested one, the first after the last. "rest" is all that
        is not tested.
        """
        if name == "rest":
            return np.flatnonzero(self.fold != fold)
        parts = np.full(len(self.fold), "train", dtype=object)
        parts[self.fold == (fold + 1) % self.n_folds] = "validation"
        parts[self.fold == fold] = "test"
        return np.flatnonzero(parts == name)

    def lacking(self, part: str) -> dict[int, list[str]]:
        """The classes that a part lacks, for each fold that lacks any; `part` as in `part`."""
        held = {fold: set(self.label[self.part(fold, part)]) for fold in range(self.n_folds)}
        gaps = {fold: [c for c in self.classes if c not in held[fold]] for fold in held}
        return {fold: classes for fold, classes in gaps.items() if classes}

    def n_copies(self) -> int:
        """How many tracks have the same audio, to the byte, as one of another fold."""
        pairs = pd.DataFrame({"digest": self.digest, "fold": self.fold})
        return int((pairs.groupby("digest")["fold"].transform("nunique") > 1).sum())


def learning_part(validation: str) -> str:
    """What a model learns from, as `Tracks.part` names it, before validation segments are drawn.

    `validation` is "tracks" or "segments", as in config.yaml.
    """
    return {"tracks": "train", "segments": "rest"}[validation]


def validation_segments(n_segments: int, n_folds: int, rng: np.random.Generator) -> np.ndarray:
    """Which of the segments of all tracks that are not tested validate: bool (segments,).

    A random one of every `n_folds` - 1, as many as a fold of tracks would give (the paper's
    authors drew them from the training songs).
    """
    chosen = np.zeros(n_segments, bool)
    chosen[rng.permutation(n_segments)[: n_segments // (n_folds - 1)]] = True
    return chosen


def write(folds: Path, tracks: pd.DataFrame, assigned: np.ndarray) -> None:
    """Write folds.csv: track_id, label, digest and fold, a row a track."""
    table = tracks[["track_id", "label", "digest"]].assign(fold=assigned)
    with atomic(folds) as path:
        table.to_csv(path, index=False)


def read(folds: Path) -> Tracks:
    """The tracks of folds.csv."""
    tracks = read_table(folds)
    return Tracks.of(tracks, tracks["fold"].astype(int).to_numpy())
