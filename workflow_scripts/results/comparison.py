"""Significance of the differences between networks, pair by pair on the same folds and seeds."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from workflow_scripts.dataset.split import Tracks
from workflow_scripts.results import fixed_split, students_t
from workflow_scripts.results.fixed_split import CONFIDENCE
from workflow_scripts.results.predictions import track_accuracy

# Significance level of a difference between two networks, and between a network and chance.
LEVEL = 0.05


def corrected_t(differences: np.ndarray, test_share: float) -> tuple[float, float]:
    """Two-sided p-value and half the width of the CONFIDENCE interval of the mean difference.

    The corrected resampled t-test of Nadeau & Bengio (Inference for the generalization error,
    Machine Learning 52, 2003). Folds share training tracks, so the t-test's variance / K is too
    small; the corrected one is variance * (1/K + n_test / n_train). `differences` has one value
    per fold, float (K,); `test_share` is n_test / n_train. Equal differences leave no variance to
    estimate, as happens with few test tracks: then p is that of the sign test, 2 / 2^K.

    With folds of several seeds this is the corrected repeated k-fold cross-validation test of
    Bouckaert & Frank (Evaluating the replicability of significance tests for comparing learning
    algorithms, PAKDD 2004): K is then the number of all folds of all seeds, in the variance and in
    the K - 1 degrees of freedom. The share of test tracks does not become smaller with more seeds.
    """
    n = len(differences)
    error = np.sqrt((1 / n + test_share) * np.var(differences, ddof=1))
    if error == 0:
        return (float(0.5 ** (n - 1)) if differences.any() else 1.0), 0.0
    p = 2 * students_t.above(abs(differences.mean()) / error, n - 1)
    return float(p), float(error * students_t.quantile((1 + CONFIDENCE) / 2, n - 1))


def interval(accuracies: np.ndarray, test_share: float | None, n_test: int = 0) -> dict[str, float]:
    """The CONFIDENCE interval of a mean accuracy in %: half_width, low and high.

    `accuracies` has one per fold, float (K,), of `test_share` (see `corrected_t`), or one per seed
    of a fixed split with `n_test` test tracks (see `fixed_split.interval`), where `test_share` is
    None and half_width NaN: that interval is not symmetric.
    """
    mean = float(accuracies.mean())
    if test_share is None:
        low, high = fixed_split.interval(mean, n_test)
        return {"half_width": np.nan, "low": low, "high": high}
    half_width = corrected_t(accuracies, test_share)[1]
    low, high = max(mean - half_width, 0.0), min(mean + half_width, 100.0)
    return {"half_width": half_width, "low": low, "high": high}


def holm(p: Sequence[float]) -> np.ndarray:
    """P-values adjusted for multiple comparisons (S. Holm, Scand. J. Statistics 6, 1979)."""
    values = np.asarray(p, float)
    order = np.argsort(values)
    factors = len(values) - np.arange(len(values))
    adjusted = np.minimum(np.maximum.accumulate(values[order] * factors), 1)
    result = np.empty_like(adjusted)
    result[order] = adjusted
    return result


def pairs(
    predictions: Mapping[str, Sequence[pd.DataFrame]], test_share: float | None
) -> pd.DataFrame:
    """A table with one row per pair of variants; `predictions` has one table per fold of each.

    With several seeds, each variant has the folds of all of them, in the same order. Without a
    `test_share`, the tables are of a fixed split, and pairs are compared by
    `fixed_split.difference`.

    Columns: first, second; difference, the mean over folds of the accuracy of first minus second,
    in percentage points; half_width of its CONFIDENCE interval; p; p_holm, adjusted for all pairs;
    only_first and only_second, the number of tracks that only this one predicts correctly; with
    several seeds, a track counts once for each.
    """
    accuracies = {
        v: np.array([track_accuracy(f) for f in folds]) for v, folds in predictions.items()
    }
    correct = {v: _correct(folds) for v, folds in predictions.items()}
    rows = []
    for first, second in combinations(predictions, 2):
        differences = accuracies[first] - accuracies[second]
        p, half_width = (
            fixed_split.difference(_of_tracks(correct[first]), _of_tracks(correct[second]))
            if test_share is None
            else corrected_t(differences, test_share)
        )
        rows.append(
            {
                "first": first,
                "second": second,
                "difference": differences.mean(),
                "half_width": half_width,
                "p": p,
                "only_first": int((correct[first] & ~correct[second]).sum()),
                "only_second": int((correct[second] & ~correct[first]).sum()),
            }
        )
    table = pd.DataFrame(rows)
    if len(table):
        table.insert(5, "p_holm", holm(table["p"]))
    return table


def test_share(tracks: Tracks) -> float | None:
    """n_test / n_train of `corrected_t`: a fold is tested, another one selects the best epoch.

    None for a fixed split.
    """
    return None if tracks.is_fixed else 1 / max(tracks.n_folds - 2, 1)


def _of_tracks(correct: pd.Series) -> np.ndarray:
    """The share of the correct predictions of each track of a fixed split, one for each seed."""
    return correct.groupby(level=1).mean().to_numpy()


def _correct(folds: Sequence[pd.DataFrame]) -> pd.Series:
    """Whether each prediction is correct, indexed by the position in `folds` and the track_id.

    With several seeds, a track is in several of the folds.
    """
    table = pd.concat([fold.set_index("track_id") for fold in folds], keys=range(len(folds)))
    return table["predicted"] == table["label"]
