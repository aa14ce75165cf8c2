"""All that a reader of a table of accuracies has to know before relying on it.

Each caveat is a function of plain data that gives one sentence, or an empty one where it does not
apply; they are in the modules of notes beside this one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from workflow_scripts.dataset.split import Tracks
from workflow_scripts.networks import explosion
from workflow_scripts.results import comparison_notes, notes, replica_notes, training_notes
from workflow_scripts.results.comparison_notes import Chance
from workflow_scripts.results.trainings import Trainings


@dataclass(frozen=True)
class Evidence:
    """What the caveats are computed from.

    fits and histories: the contents of fit.json and history.csv of each training, in the same
    order. predictions: one table per fold of each variant with the columns track_id, label and
    predicted, of any type. pairs: the table of `comparison.pairs`. never_predicted: the classes
    that each variant predicts for no track. replicas: replicas.csv. n_skipped: the number of
    skipped tracks. dataset: ballroom, demo or folder.
    """

    tracks: Tracks
    fits: Sequence[Mapping[str, Any]]
    histories: Sequence[pd.DataFrame]
    predictions: Mapping[str, Sequence[pd.DataFrame]]
    pairs: pd.DataFrame
    never_predicted: Mapping[str, Sequence[str]]
    replicas: pd.DataFrame
    n_skipped: int
    dataset: str

    @cached_property
    def trainings(self) -> Trainings:
        """The trainings by variant."""
        return Trainings.of(self.fits, self.histories)

    @cached_property
    def best(self) -> str:
        """The variant with the highest mean accuracy."""
        return comparison_notes.best(self.predictions)

    @cached_property
    def chance(self) -> Chance:
        """The test of the best variant against chance."""
        return comparison_notes.against_chance(self.best, self.predictions, self.tracks)


def caveats(evidence: Evidence) -> list[str]:
    """The sentences that apply, in the order of importance."""
    tracks, trainings = evidence.tracks, evidence.trainings
    validation = evidence.fits[0]["validation"]
    n_networks = len(evidence.predictions)
    found = [
        # Numbers that do not describe the networks.
        *explosion.sentences(evidence.fits),
        training_notes.unequal_budgets(trainings),
        training_notes.few_epochs(trainings),
        training_notes.still_rising(trainings),
        # Numbers that may be chance.
        comparison_notes.not_told_from_chance(evidence.best, evidence.chance, n_networks),
        comparison_notes.not_told_from_rivals(evidence.pairs, evidence.best),
        comparison_notes.few_test_tracks(tracks),
        # Numbers that are too high, or of less than the data set.
        replica_notes.leaks(evidence.replicas, tracks),
        notes.tracks_of_two_classes(tracks),
        notes.lacking_in_test(tracks),
        notes.lacking_in_validation(tracks, validation),
        *notes.never_predicted_sentences(evidence.never_predicted),
        notes.skipped(evidence.n_skipped),
        notes.truncated(tracks),
        notes.synthetic(evidence.dataset),
        # What to check, or to know.
        replica_notes.doubtful(evidence.replicas, tracks),
        notes.alike_classes(tracks),
        training_notes.other_settings(trainings),
        replica_notes.handled(evidence.replicas, tracks),
    ]
    return [sentence for sentence in found if sentence]
