"""Systems without a network that the paper compares with (Table I, "Baseline")."""

from collections.abc import Collection

import numpy as np

MOST_PROBABLE_CLASS = "most_probable_class"
TEMPO_1NN = "tempo_1nn"
TEMPO_1NN_ESTIMATED = "tempo_1nn_estimated"
MODULATION_SCALE_SPECTRUM = "modulation_scale_spectrum"

NAMES = {
    MOST_PROBABLE_CLASS: "most probable class",
    TEMPO_1NN: "tempo 1-NN",
    TEMPO_1NN_ESTIMATED: "estimated tempo 1-NN",
    MODULATION_SCALE_SPECTRUM: "modulation scale spectrum",
}

# The baseline that the paper sets beside each architecture; the others have the last one.
BASELINE_OF = {"Frequency": MOST_PROBABLE_CLASS, "Time": TEMPO_1NN}


def baseline_of(architecture: str, computed: Collection[str]) -> str:
    """The name of the baseline system for a row of Table I.

    Where tempi are not annotated, estimated ones take their place.
    """
    system = BASELINE_OF.get(architecture, MODULATION_SCALE_SPECTRUM)
    return TEMPO_1NN_ESTIMATED if system == TEMPO_1NN and system not in computed else system


def most_probable_class(train_labels: np.ndarray, n_test: int) -> np.ndarray:
    """The most frequent training label for every test track; the first by name among equals."""
    names, counts = np.unique(train_labels, return_counts=True)
    return np.full(n_test, names[counts.argmax()])


def tempo_1nn(train_bpm: np.ndarray, train_labels: np.ndarray, test_bpm: np.ndarray) -> np.ndarray:
    """The class of the nearest training tempo (Gouyon et al. 2004).

    Every training track at the smallest distance votes, as in Weka's IBk: annotated tempi are
    whole numbers, and one arbitrary neighbour among equals loses ten points on Ballroom. A tie
    of votes goes to the class that is more frequent in training, then the first by name. NaN is
    an unknown tempo: such a training track never votes, for such a test track all vote.
    """
    names, targets, counts = np.unique(train_labels, return_inverse=True, return_counts=True)
    decided = []
    for bpm in test_bpm:
        distance = np.abs(train_bpm - bpm)
        nearest = distance == np.min(distance, where=~np.isnan(distance), initial=np.inf)
        if not nearest.any():
            nearest[:] = True
        votes = np.bincount(targets[nearest], minlength=len(names))
        decided.append(names[np.lexsort((-counts, -votes))[0]])
    return np.array(decided)
