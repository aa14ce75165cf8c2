"""Assign tracks to cross-validation folds, stratified by class and without splitting groups."""

import numpy as np
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold


def assign(
    labels: np.ndarray, groups: np.ndarray | None, n_folds: int, seed: int, stratified: bool = True
) -> np.ndarray:
    """The fold of each track, int (tracks,), 0 ... n_folds - 1.

    `labels` is text (tracks,); `groups` has a group per track, (tracks,), or is None. With
    `stratified`, each class is spread over the folds as evenly as possible. Tracks of one group
    share a fold, even if the folds become less even. The result depends only on the arguments and
    the order of the tracks.
    """
    if groups is not None and stratified:
        # StratifiedGroupKFold(shuffle=True) of scikit-learn 1.7 confuses the sizes of groups (issue
        # 32478). Renaming the groups in a random order shuffles them as well.
        _, renamed = np.unique(groups, return_inverse=True)
        order = np.random.default_rng(seed).permutation(renamed.max() + 1)
        splits = StratifiedGroupKFold(n_folds).split(labels, labels, order[renamed])
    else:
        kind = GroupKFold if groups is not None else StratifiedKFold if stratified else KFold
        splitter = kind(n_folds, shuffle=True, random_state=seed)
        splits = splitter.split(labels, labels, groups)
    folds = np.full(len(labels), -1)
    for fold, (_, test) in enumerate(splits):
        folds[test] = fold
    return folds
