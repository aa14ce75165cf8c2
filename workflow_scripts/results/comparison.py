"""Which differences between networks are real: pair by pair, on the same folds."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from workflow_scripts.results.predictions import track_accuracy

CONFIDENCE = 0.95


def corrected_t(differences: np.ndarray, test_share: float) -> tuple[float, float]:
    """P-value, two-sided, and half the width of the CONFIDENCE interval of the mean difference.

    The corrected resampled t-test of Nadeau & Bengio, Inference for the generalization error,
    Machine Learning 52, 2003: folds share training tracks, so that their variance over K, the plain
    t-test's, is too small; it is multiplied by 1/K + n_test / n_train instead. `differences`, a
    value a fold, are of one pair; `test_share` is n_test / n_train.
    """
    n = len(differences)
    error = np.sqrt((1 / n + test_share) * np.var(differences, ddof=1))
    if error == 0:
        return float(differences.mean() == 0), 0.0
    p = 2 * stats.t.sf(abs(differences.mean()) / error, n - 1)
    return float(p), float(error * stats.t.ppf((1 + CONFIDENCE) / 2, n - 1))


def holm(p: Sequence[float]) -> np.ndarray:
    """P-values adjusted for as many tests as there are (S. Holm, Scand. J. Statistics 6, 1979)."""
    values = np.asarray(p, float)
    order = np.argsort(values)
    factors = len(values) - np.arange(len(values))
    adjusted = np.minimum(np.maximum.accumulate(values[order] * factors), 1)
    result = np.empty_like(adjusted)
    result[order] = adjusted
    return result


def pairs(predictions: Mapping[str, Sequence[pd.DataFrame]], test_share: float) -> pd.DataFrame:
    """A row a pair of variants; `predictions` has each one's tables, a fold each.

    Columns first, second; difference, the mean over folds of first less second, in points of per
    cent; half_width of its CONFIDENCE interval; p, and p_holm over all pairs; only_first and
    only_second, the tracks that but one of them decides right.
    """
    accuracies = {
        v: np.array([track_accuracy(f) for f in folds]) for v, folds in predictions.items()
    }
    right = {v: _right(folds) for v, folds in predictions.items()}
    rows = []
    for first, second in combinations(predictions, 2):
        differences = accuracies[first] - accuracies[second]
        p, half_width = corrected_t(differences, test_share)
        rows.append(
            {
                "first": first,
                "second": second,
                "difference": differences.mean(),
                "half_width": half_width,
                "p": p,
                "only_first": int((right[first] & ~right[second]).sum()),
                "only_second": int((right[second] & ~right[first]).sum()),
            }
        )
    table = pd.DataFrame(rows)
    if len(table):
        table.insert(5, "p_holm", holm(table["p"]))
    return table


def _right(folds: Sequence[pd.DataFrame]) -> pd.Series:
    """Whether each track, by its name, is decided right."""
    table = pd.concat(folds).set_index("track_id")
    return table["predicted"] == table["label"]
