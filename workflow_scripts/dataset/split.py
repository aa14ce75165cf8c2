"""One fold of the experiment: which tracks train, validate and test, with their classes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workflow_scripts.dataset.tracks import read_tracks


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

    @property
    def n_folds(self) -> int:
        """The number of folds."""
        return int(self.fold.max()) + 1

    def part(self, fold: int, name: str) -> np.ndarray:
        """Positions of the "train", "validation" or "test" tracks when `fold` is tested.

        Validation is the fold after the tested one, the first after the last.
        """
        parts = np.full(len(self.fold), "train", dtype=object)
        parts[self.fold == (fold + 1) % self.n_folds] = "validation"
        parts[self.fold == fold] = "test"
        return np.flatnonzero(parts == name)

    def gaps(self) -> list[str]:
        """A sentence for each fold whose test or training tracks lack a class."""
        sentences = []
        for fold in range(self.n_folds):
            for part, verb in (("test", "tests"), ("train", "trains on")):
                held = set(self.label[self.part(fold, part)])
                if lacking := [name for name in self.classes if name not in held]:
                    sentences.append(f"Fold {fold} {verb} no track of {', '.join(lacking)}.")
        return sentences


def read(labels: Path, folds: Path) -> Tracks:
    """Join labels.csv and folds.csv."""
    table = read_tracks(labels).merge(
        read_tracks(folds), on="track_id", how="left", validate="one_to_one"
    )
    classes = sorted(set(table["label"]))
    return Tracks(
        table["track_id"].to_numpy(),
        table["label"].to_numpy(),
        table["digest"].to_numpy(),
        table["fold"].astype(int).to_numpy(),
        classes,
        np.searchsorted(classes, table["label"].to_numpy()),
    )
