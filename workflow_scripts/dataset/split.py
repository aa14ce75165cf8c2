"""The split of each fold into training, validation and test tracks."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts import checked_tables
from workflow_scripts.audio.parameters import PAPERS
from workflow_scripts.dataset.track_tables import FOLDS, read_table

# Of a fixed split (split_by): the position of a part is its fold, so that the one model is that of
# fold 0, validated on the next fold as any other.
PARTS = ("test", "validation", "train")


@dataclass(frozen=True)
class Tracks:
    """The labelled tracks of the data set and their folds.

    `track_id`, `label` and `digest` are text, `fold` and `target` int, all of shape (tracks,).
    `target` is the position of the label in `classes`, which are sorted by name. `n_truncated`
    tracks are used as far as their files go. `front_end` is the key of the front end whose features
    were assigned to folds: what is made of them belongs to it. With `is_fixed`, folds are the parts
    of a fixed split (PARTS), and there is one model instead of one for each fold.
    """

    track_id: np.ndarray
    label: np.ndarray
    digest: np.ndarray
    fold: np.ndarray
    classes: list[str]
    target: np.ndarray
    n_truncated: int = 0
    front_end: str = PAPERS.key
    is_fixed: bool = False

    @classmethod
    def of(cls, tracks: pd.DataFrame, folds: np.ndarray, is_fixed: bool = False) -> "Tracks":
        """The tracks of a table (track_id, label, digest) with these folds, int (tracks,).

        Without a column `front_end`, they are of the paper's.
        """
        track_ids, labels, digests = (tracks[c].to_numpy() for c in ("track_id", "label", "digest"))
        classes = sorted(set(labels))
        target = np.searchsorted(classes, labels)
        n_truncated = int((tracks["truncated"] != "").sum()) if "truncated" in tracks else 0
        front_end = tracks["front_end"].iloc[0] if "front_end" in tracks else PAPERS.key
        return cls(
            track_ids, labels, digests, folds, classes, target, n_truncated, front_end, is_fixed
        )

    @property
    def n_folds(self) -> int:
        """The number of folds that are tested: 1 with a fixed split."""
        return 1 if self.is_fixed else self._n_parts

    @property
    def _n_parts(self) -> int:
        return int(self.fold.max()) + 1

    @property
    def tested(self) -> np.ndarray:
        """Positions of the tracks that a model is tested on: all without a fixed split."""
        return np.flatnonzero(self.fold < self.n_folds)

    def part(self, fold: int, name: str) -> np.ndarray:
        """Positions of the "train", "validation", "test" or "rest" tracks of a fold.

        The test tracks are those of `fold`, the validation tracks those of the next fold (of fold
        0 for the last one). "rest" are all tracks except the test tracks.
        """
        if name == "rest":
            return np.flatnonzero(self.fold != fold)
        parts = np.full(len(self.fold), "train", dtype=object)
        parts[self.fold == (fold + 1) % self._n_parts] = "validation"
        parts[self.fold == fold] = "test"
        return np.flatnonzero(parts == name)

    def lacking(self, part: str) -> dict[int, list[str]]:
        """The missing classes of a part (see `Tracks.part`), for each fold where any is missing."""
        present = {fold: set(self.label[self.part(fold, part)]) for fold in range(self.n_folds)}
        missing = {f: [c for c in self.classes if c not in present[f]] for f in present}
        return {fold: classes for fold, classes in missing.items() if classes}

    @cached_property
    def key(self) -> str:
        """A digest of the tracks, their folds and the front end."""
        return self._digest(np.arange(len(self.fold)), self.track_id, self.fold)

    @cached_property
    def keys_of_rest(self) -> list[str]:
        """For each fold a digest of all tracks but the test tracks: a model is trained on them.

        It does not depend on their names.
        """
        folds = range(self.n_folds)
        return [
            self._digest(self.part(k, "rest"), self.fold == (k + 1) % self._n_parts) for k in folds
        ]

    def _digest(self, rows: np.ndarray, *further: np.ndarray) -> str:
        columns = [self.digest, self.label, *further]
        total = hashlib.sha256(json.dumps(self.classes).encode())
        total.update(json.dumps([column[rows].tolist() for column in columns]).encode())
        other = "" if self.front_end == PAPERS.key else f" with the front end {self.front_end}"
        return f"{total.hexdigest()[:16]}{other}"

    def n_of_two_classes(self) -> int:
        """The number of tracks with the same content digest as a track of another class."""
        pairs = pd.DataFrame({"digest": self.digest, "label": self.target})
        return int((pairs.groupby("digest")["label"].transform("nunique") > 1).sum())


def learning_part(validation: str) -> str:
    """The part (see `Tracks.part`) to train on, before any validation segments are drawn from it.

    `validation` is "tracks" or "segments", as in config.yaml.
    """
    return {"tracks": "train", "segments": "rest"}[validation]


def validation_segments(n_segments: int, n_folds: int, rng: np.random.Generator) -> np.ndarray:
    """A mask of the validation segments among those of the part "rest", bool (segments,).

    One in `n_folds` - 1 segments is drawn at random, as many as a fold of tracks has. The paper's
    authors draw validation segments from the training songs too.
    """
    chosen = np.zeros(n_segments, bool)
    chosen[rng.permutation(n_segments)[: n_segments // (n_folds - 1)]] = True
    return chosen


def write(
    folds: Path,
    tracks: pd.DataFrame,
    assigned: np.ndarray,
    front_end: str = PAPERS.key,
    is_fixed: bool = False,
) -> None:
    """Write folds.csv: one row per track with track_id, label, digest and fold.

    If any track is truncated, a column `truncated` says what is missing; for another front end than
    the paper's, a column `front_end` has its key. A fixed split has a column `split` with the name
    of the part.
    """
    table = tracks[["track_id", "label", "digest"]].assign(fold=assigned)
    if is_fixed:
        table["split"] = [PARTS[part] for part in assigned]
    if "truncated" in tracks and (tracks["truncated"] != "").any():
        table["truncated"] = tracks["truncated"]
    if front_end != PAPERS.key:
        table["front_end"] = front_end
    checked_tables.write(folds, table, FOLDS)


def read(folds: Path) -> Tracks:
    """The tracks of folds.csv. Raises UserError if it is damaged."""
    tracks = read_table(folds, FOLDS)
    return Tracks.of(tracks, tracks["fold"].astype(int).to_numpy(), "split" in tracks)
