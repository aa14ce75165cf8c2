"""Baselines: classifiers without a network (paper, Table I, "Baseline")."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts import checked_tables
from workflow_scripts.dataset.split import Tracks

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

# The paper's baseline for these architectures; all others have the modulation scale spectrum.
BASELINE_OF = {"Frequency": MOST_PROBABLE_CLASS, "Time": TEMPO_1NN}


def baseline_of(architecture: str, computed: Collection[str]) -> str:
    """The name of the baseline in a row of Table I; `computed` are the available names.

    Without annotated tempi, the estimated ones are used.
    """
    name = BASELINE_OF.get(architecture, MODULATION_SCALE_SPECTRUM)
    return TEMPO_1NN_ESTIMATED if name == TEMPO_1NN and name not in computed else name


def shown(name: str) -> str:
    """The name of a baseline for people; that of an unknown one, as it is."""
    return NAMES.get(name, name)


def what(tracks: Tracks) -> str:
    """What baselines.csv is, for its checksum."""
    return f"the baselines of the tracks {tracks.key}"


def read(csv: Path, tracks: Tracks) -> pd.DataFrame:
    """The table baselines.csv: baseline, fold, accuracy. Raises UserError if it is damaged."""
    return checked_tables.read(csv, what(tracks))


def most_probable_class(train_labels: np.ndarray, n_test: int) -> np.ndarray:
    """The most frequent training label for each test track, text (n_test,).

    A tie goes to the first by name.
    """
    names, counts = np.unique(train_labels, return_counts=True)
    return np.full(n_test, names[counts.argmax()])


def tempo_1nn(train_bpm: np.ndarray, train_labels: np.ndarray, test_bpm: np.ndarray) -> np.ndarray:
    """The class of the nearest training tempo for each test track, text (n_test,).

    Source: Gouyon et al. 2004. Tempi are in BPM; `train_labels` is text (training tracks,).

    Every training track at the smallest distance votes, as in Weka's IBk. Annotated tempi are
    whole numbers, so ties are frequent: one arbitrary neighbour costs ten points on Ballroom. A tie
    of votes goes to the class that is more frequent in training, then to the first by name. A
    training track of unknown tempo (NaN) does not vote; for a test track of unknown tempo, all
    training tracks vote.
    """
    names, targets, counts = np.unique(train_labels, return_inverse=True, return_counts=True)
    predicted = []
    for bpm in test_bpm:
        distance = np.abs(train_bpm - bpm)
        nearest = distance == np.min(distance, where=~np.isnan(distance), initial=np.inf)
        if not nearest.any():
            nearest[:] = True
        votes = np.bincount(targets[nearest], minlength=len(names))
        predicted.append(names[np.lexsort((-counts, -votes))[0]])
    return np.array(predicted)
