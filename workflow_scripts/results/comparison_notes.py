"""Notes on what tests say of the best network of a table: each is one sentence or empty."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workflow_scripts.dataset.split import Tracks
from workflow_scripts.errors import FEW, listed
from workflow_scripts.results.comparison import LEVEL
from workflow_scripts.results.predictions import track_accuracy

# With fewer test tracks, one of them is worth more than two points of a fold's accuracy, as much as
# separates many networks of the paper, and the accuracies of a fold scatter by 5 points or more.
FEW_TRACKS = 50


@dataclass(frozen=True)
class Chance:
    """The best network against always predicting the largest class.

    `accuracy` is that of the network and `constant` that of the largest class, both in %;
    `p` the p-value, adjusted for having chosen the best of several networks.
    """

    accuracy: float
    constant: float
    p: float

    @property
    def is_beaten(self) -> bool:
        """Whether a test distinguishes the network from chance."""
        return self.p < LEVEL


def best(predictions: Mapping[str, Sequence[pd.DataFrame]]) -> str:
    """The variant with the highest mean accuracy over folds; a tie goes to the first.

    `predictions` has one table per fold of each variant, with columns of `predictions.table`.
    """
    means = {v: np.mean([track_accuracy(f) for f in folds]) for v, folds in predictions.items()}
    return max(means, key=means.__getitem__)


def against_chance(
    variant: str, predictions: Mapping[str, Sequence[pd.DataFrame]], tracks: Tracks
) -> Chance:
    """The test of `variant`, the best of `predictions`, against chance.

    An exact binomial test, one-sided, over all test tracks: each is tested once. Chance is the
    share of the largest class, never less than 1 / (number of classes). The p-value is multiplied
    by the number of networks (Bonferroni), because the best of them was chosen.
    """
    # Its import takes as long as a short job.
    from scipy import stats

    table = pd.concat(predictions[variant])
    correct = (table["predicted"] == table["label"]).groupby(table["track_id"], observed=True)
    # A track that several models predict counts once.
    n, n_correct = correct.ngroups, int(correct.mean().sum() + 1e-9)
    constant = np.bincount(tracks.target[tracks.tested]).max() / len(tracks.tested)
    p = stats.binomtest(n_correct, n, constant, alternative="greater").pvalue
    return Chance(100 * n_correct / n, 100 * constant, min(1.0, p * len(predictions)))


def not_told_from_chance(variant: str, chance: Chance, n_networks: int) -> str:
    """The best network if no test distinguishes it from chance."""
    if chance.is_beaten:
        return ""
    adjusted = f", adjusted for choosing the best of {n_networks}" if n_networks > 1 else ""
    return (
        f"No test distinguishes {variant}{', the best network,' if n_networks > 1 else ''} from "
        f"always predicting the largest class: {chance.accuracy:.1f} % of the test tracks against "
        f"{chance.constant:.1f} % (exact binomial test over all test tracks, p = "
        f"{chance.p:.2g}{adjusted})."
    )


def rivals(pairs: pd.DataFrame, variant: str) -> list[str]:
    """The networks that no test distinguishes from `variant`, the most similar accuracy first.

    `pairs` is a table of `comparison.pairs`.
    """
    if not len(pairs):
        return []
    own = pairs[(pairs["first"] == variant) | (pairs["second"] == variant)]
    own = own.sort_values("difference", key=abs, kind="stable")
    # An unknown p-value distinguishes nothing.
    same = own[~(own["p_holm"] < LEVEL)]
    return [row.second if row.first == variant else row.first for row in same.itertuples()]


def not_told_from_rivals(pairs: pd.DataFrame, variant: str, is_fixed: bool = False) -> str:
    """The networks that no test distinguishes from `variant`, the best one.

    `is_fixed`: the pairs are those of a fixed split.
    """
    same = rivals(pairs, variant)
    if not same:
        return ""
    n_rivals = int(((pairs["first"] == variant) | (pairs["second"] == variant)).sum())
    of = f"{len(same)} of its {n_rivals} rivals"
    if len(same) == n_rivals:
        of = "the other one" if n_rivals == 1 else f"any of its {n_rivals} rivals"
    test = "sign test over test tracks" if is_fixed else "corrected resampled t-test over folds"
    return (
        f"No test distinguishes {variant}, the best network, from {of}: {listed(same, FEW)} "
        f"({test}, Holm's correction for {len(pairs)} "
        f"pair{'s' if len(pairs) > 1 else ''}, level {LEVEL})."
    )


def few_test_tracks(tracks: Tracks) -> str:
    """The size of small test sets."""
    counts = np.bincount(tracks.fold[tracks.tested], minlength=tracks.n_folds)
    low, high = int(counts.min()), int(counts.max())
    if low >= FEW_TRACKS:
        return ""
    if tracks.is_fixed:
        return (
            f"The split tests only {low} track{'s' if low > 1 else ''}: one track is worth "
            f"{100 / low:.1f} points of the accuracy."
        )
    number = str(low) if low == high else f"{low} to {high}"
    return (
        f"Each fold tests only {number} track{'s' if high > 1 else ''}: one track is worth "
        f"{100 / low:.1f} points of the accuracy of {'a' if low == high else 'the smallest'} fold."
    )
