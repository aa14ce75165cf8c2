"""Finished runs, as far as they are compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.dataset.split import Tracks
from workflow_scripts.results.comparison import test_share
from workflow_scripts.results.trainings import Trainings


@dataclass(frozen=True)
class Repeat:
    """One cross-validation of a run, with the folds and trainings of one seed.

    `correct` has for each variant whether the prediction of each of the `tracks` is correct, bool
    (tracks,); `fits` the content of fit.json and `histories` the table history.csv of each fold.
    """

    seed: int
    tracks: Tracks
    correct: dict[str, np.ndarray]
    fits: dict[str, list[dict[str, Any]]]
    histories: dict[str, list[pd.DataFrame]]

    def accuracies(self, variant: str) -> np.ndarray:
        """The accuracy of each fold in %, float (folds,)."""
        fold, correct = self.tracks.fold, self.correct[variant]
        return np.array([100 * correct[fold == k].mean() for k in range(self.tracks.n_folds)])


@dataclass(frozen=True)
class Run:
    """The results of a run: its name, its complete configuration, one repeat for each seed.

    `repeats` are sorted by seed, so that those of two runs with the same seeds are pairs.
    """

    name: str
    config: dict[str, Any]
    repeats: list[Repeat]

    @property
    def variants(self) -> list[str]:
        """The names of the networks, in the order of Table I."""
        return list(self.config["variants"])

    @property
    def fits(self) -> list[dict[str, Any]]:
        """The contents of all fit.json."""
        return [fit for repeat in self.repeats for fits in repeat.fits.values() for fit in fits]

    @property
    def trainings(self) -> Trainings:
        """The trainings of all seeds."""
        histories = [
            history
            for repeat in self.repeats
            for of_folds in repeat.histories.values()
            for history in of_folds
        ]
        return Trainings.of(self.fits, histories)

    @property
    def test_share(self) -> float | None:
        """Test tracks per training track; None for a fixed split."""
        return test_share(self.repeats[0].tracks)

    def accuracies(self, variants: Sequence[str]) -> np.ndarray:
        """The mean accuracy of `variants` in % for each seed and fold, float (seeds x folds,)."""
        of_each = [
            np.concatenate([repeat.accuracies(variant) for repeat in self.repeats])
            for variant in variants
        ]
        return np.mean(of_each, axis=0)

    def correct_shares(self, variants: Sequence[str]) -> np.ndarray:
        """The share of `variants` and seeds that are correct on each test track of a fixed split.

        Float (tracks,), sorted by audio and label.
        """
        return np.mean([_sorted(own, v) for own in self.repeats for v in variants], axis=0)

    def n_correct_only_here(self, other: "Run", variant: str) -> int:
        """The number of predictions of a variant that are correct here, but not in `other`.

        The two runs have the same tracks in the same folds.
        """
        pairs = zip(self.repeats, other.repeats, strict=True)
        return sum(int((_sorted(a, variant) & ~_sorted(b, variant)).sum()) for a, b in pairs)


def _sorted(repeat: Repeat, variant: str) -> np.ndarray:
    """`repeat.correct` of a variant for the tested tracks, sorted by audio, label and fold."""
    tracks, tested = repeat.tracks, repeat.tracks.tested
    keys = (tracks.track_id, tracks.fold, tracks.label, tracks.digest)
    order = np.lexsort([key[tested] for key in keys])
    return repeat.correct[variant][tested[order]]
