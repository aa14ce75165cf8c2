"""From segments to tracks: majority vote (paper, section III-B)."""

from collections.abc import Sequence

import numpy as np


def majority_vote(probabilities: np.ndarray) -> tuple[int, np.ndarray, np.ndarray]:
    """The predicted class of one track from probabilities of its segments, (segments, classes).

    Each segment votes for its most probable class; a tie goes to the class with the higher summed
    probability.

    Returns the position of the class, and the votes and the mean probability of each class, both
    (classes,).
    """
    votes = np.bincount(probabilities.argmax(axis=1), minlength=probabilities.shape[1])
    mean = probabilities.mean(axis=0)
    most = votes == votes.max()
    return int(np.where(most, mean, -np.inf).argmax()), votes, mean


# Digits of a share that decide: far fewer than float64 has, and more than segments can differ by.
SHARE_DIGITS = 9


def combined_vote(
    probabilities: Sequence[np.ndarray],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The classes of one track, the predicted one first, from several networks.

    `probabilities` has an array (segments, classes) for each network; the number of segments may
    differ. Classes are ordered by their share of the votes, then by their mean probability; both
    are averages in which each network has the same weight. With one network, the first class is
    that of `majority_vote`.

    Returns the positions of the classes, and the share of the votes and the mean probability of
    each class.
    """
    of_networks = [majority_vote(own) for own in probabilities]
    shares = np.mean([votes / votes.sum() for _, votes, _ in of_networks], axis=0)
    mean = np.mean([mean for *_, mean in of_networks], axis=0)
    # Sums of equal shares differ in their last digits by the order of the networks.
    return np.lexsort((-mean, -shares.round(SHARE_DIGITS))), shares, mean
