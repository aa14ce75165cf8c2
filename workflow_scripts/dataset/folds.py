"""Cross-validation folds by track: stratified by class, groups kept whole."""

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold


def assign(labels: np.ndarray, groups: np.ndarray | None, n_folds: int, seed: int) -> np.ndarray:
    """The fold, 0 ... n_folds - 1, of each track.

    Classes are spread as evenly as they go; tracks of one group share a fold, which comes first
    where both cannot be had. The folds follow from the order of the tracks and the seed alone.
    """
    if groups is None:
        splits = StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(labels, labels)
    else:
        # StratifiedGroupKFold(shuffle=True) of scikit-learn 1.7 mixes up the groups' sizes (issue
        # 32478): groups renamed in a random order are shuffled as well.
        _, renamed = np.unique(groups, return_inverse=True)
        order = np.random.default_rng(seed).permutation(renamed.max() + 1)
        splits = StratifiedGroupKFold(n_folds).split(labels, labels, order[renamed])
    folds = np.full(len(labels), -1)
    for fold, (_, test) in enumerate(splits):
        folds[test] = fold
    return folds
