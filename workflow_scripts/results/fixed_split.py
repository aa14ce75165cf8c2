"""Statistics of a fixed split: over its test tracks, as one model has no spread over folds."""

import numpy as np
from scipy import special

from workflow_scripts.results import students_t

CONFIDENCE = 0.95


def interval(accuracy: float, n_tracks: int) -> tuple[float, float]:
    """The ends of the CONFIDENCE interval of an accuracy on `n_tracks` test tracks, all in %.

    The score interval of E. B. Wilson (Probable inference, the law of succession, and statistical
    inference, JASA 22, 1927). It takes the tracks for independent, and the models as given.
    """
    z = special.ndtri((1 + CONFIDENCE) / 2)
    p, weight = accuracy / 100, z**2 / n_tracks
    centre = (p + weight / 2) / (1 + weight)
    half = np.sqrt(weight * (p * (1 - p) + weight / 4)) / (1 + weight)
    return float(100 * max(centre - half, 0)), float(100 * min(centre + half, 1))


def difference(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Two-sided p-value and half the width of the CONFIDENCE interval of a difference, in points.

    `first` and `second` have for each test track the share of models, one for each seed, that
    predict it correctly, float (tracks,). The p-value is that of the sign test over the tracks that
    one of the two predicts correctly more often; with one model each this is the exact test of
    McNemar (Psychometrika 12, 1947; Dietterich, Neural Computation 10, 1998). The interval is that
    of Student's t over the tracks; NaN for a single one.
    """
    # Its import takes as long as a short job.
    from scipy import stats

    differences = 100 * (first - second)
    better, worse = int((differences > 0).sum()), int((differences < 0).sum())
    p = stats.binomtest(better, better + worse).pvalue if better + worse else 1.0
    n = len(differences)
    if n == 1:
        return float(p), np.nan
    error = np.std(differences, ddof=1) / np.sqrt(n)
    return float(p), float(error * students_t.quantile((1 + CONFIDENCE) / 2, n - 1))
