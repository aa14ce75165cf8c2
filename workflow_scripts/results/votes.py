"""From segments to tracks: majority vote (paper, section III-B)."""

import numpy as np


def decide(probabilities: np.ndarray) -> tuple[int, np.ndarray, np.ndarray]:
    """The class of one track from its segments' probabilities, shape (segments, classes).

    Each segment votes for its most probable class; a tie between classes goes to the one of the
    higher summed probability.

    Returns the class, the votes and the mean probability of each class.
    """
    votes = np.bincount(probabilities.argmax(axis=1), minlength=probabilities.shape[1])
    mean = probabilities.mean(axis=0)
    most = votes == votes.max()
    return int(np.where(most, mean, -np.inf).argmax()), votes, mean
