"""Cross-validation folds by track: stratified by class, groups kept whole."""

import numpy as np
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold


def assign(
    labels: np.ndarray, groups: np.ndarray | None, n_folds: int, seed: int, stratified: bool = True
) -> np.ndarray:
    """The fold, 0 ... n_folds - 1, of each track.

    Classes are spread as evenly as they go unless `stratified` is false; tracks of one group share
    a fold, which comes first where both cannot be had. The folds follow from the order of the
    tracks and the seed alone.
    """
    if groups is not None and stratified:
        # StratifiedGroupKFold(shuffle=True) of scikit-learn 1.7 mixes up the groups' sizes (issue
        # 32478): groups renamed in a random order are shuffled as well.
        _, renamed = np.unique(groups, return_inverse=True)
        order = np.random.default_rng(seed).permutation(renamed.max() + 1)
        splits = StratifiedGroupKFold(n_folds).split(labels, labels, order[renamed])
    else:
        kind = GroupKFold if groups is not None else StratifiedKFold if stratified else KFold
        rule = kind(n_folds, shuffle=True, random_state=seed)
        splits = rule.split(labels, labels, groups)
    folds = np.full(len(labels), -1)
    for fold, (_, test) in enumerate(splits):
        folds[test] = fold
    return folds
