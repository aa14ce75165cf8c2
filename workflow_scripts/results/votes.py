"""From segments to tracks: majority vote (paper, section III-B)."""

from collections.abc import Sequence

import numpy as np


def majority_vote(probabilities: np.ndarray) -> tuple[int, np.ndarray, np.ndarray]:
    """The class of one track from its segments' probabilities, shape (segments, classes).

    Each segment votes for its most probable class; a tie between classes goes to the one of the
    higher summed probability.

    Returns the class, the votes and the mean probability of each class.
    """
    votes = np.bincount(probabilities.argmax(axis=1), minlength=probabilities.shape[1])
    mean = probabilities.mean(axis=0)
    most = votes == votes.max()
    return int(np.where(most, mean, -np.inf).argmax()), votes, mean


def combined_vote(heard: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The classes of one track in order, the decision first, from what several networks hear.

    For each network the probabilities of its segments, (segments, classes), as many as it has. A
    class's share of the votes counts each network alike, and so does its mean probability, which
    decides between classes of the same share. One network by itself decides as in `decide`.

    Returns positions of classes, and of each class the share of the votes and the mean probability.
    """
    decisions = [majority_vote(probabilities) for probabilities in heard]
    shares = np.mean([votes / votes.sum() for _, votes, _ in decisions], axis=0)
    mean = np.mean([mean for *_, mean in decisions], axis=0)
    return np.lexsort((-mean, -shares)), shares, mean
