"""All that a reader of a table of accuracies has to know before relying on it.

Each caveat is a function of plain data that gives one sentence, or an empty one where it does not
apply; they are in the modules of notes beside this one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import pandas as pd

from workflow_scripts.dataset.split import Tracks
from workflow_scripts.networks import explosion
from workflow_scripts.results import comparison_notes, notes, replica_notes, training_notes
from workflow_scripts.results.comparison_notes import Chance
from workflow_scripts.results.seed_notes import of_first_seed_only, together
from workflow_scripts.results.trainings import Trainings


@dataclass(frozen=True)
class Evidence:
    """What the caveats are computed from.

    folds_of: the tracks with the folds of each seed. fits and histories: the contents of fit.json
    and history.csv of each training, in the same order. predictions: one table per fold of each
    variant, seed by seed, with the columns track_id, label and predicted, of any type. pairs: the
    table of `comparison.pairs`. never_predicted: the classes that each variant predicts for no
    track. replicas: replicas.csv. n_skipped: the number of skipped tracks. dataset: ballroom, demo
    or folder.
    """

    folds_of: Mapping[int, Tracks]
    fits: Sequence[Mapping[str, Any]]
    histories: Sequence[pd.DataFrame]
    predictions: Mapping[str, Sequence[pd.DataFrame]]
    pairs: pd.DataFrame
    never_predicted: Mapping[str, Sequence[str]]
    replicas: pd.DataFrame
    n_skipped: int
    dataset: str

    @property
    def tracks(self) -> Tracks:
        """The tracks with the folds of the first seed."""
        return next(iter(self.folds_of.values()))

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
    fits_of = {
        seed: [fit for fit in evidence.fits if fit["seed"] == seed] for seed in evidence.folds_of
    }

    def of_seeds(note: Callable[[Tracks], str]) -> list[str]:
        return together(
            {seed: [*filter(None, [note(own)])] for seed, own in evidence.folds_of.items()}
        )

    found = [
        # Numbers that do not describe the networks.
        *together({seed: explosion.sentences(own) for seed, own in fits_of.items()}),
        training_notes.unequal_budgets(trainings),
        training_notes.few_epochs(trainings),
        training_notes.still_rising(trainings),
        # Numbers that may be chance.
        comparison_notes.not_told_from_chance(evidence.best, evidence.chance, n_networks),
        comparison_notes.not_told_from_rivals(evidence.pairs, evidence.best, tracks.is_fixed),
        *of_seeds(comparison_notes.few_test_tracks),
        notes.one_split(tracks, len(evidence.folds_of)),
        # Numbers that are too high, or of less than the data set.
        *of_seeds(partial(replica_notes.leaks, evidence.replicas)),
        notes.tracks_of_two_classes(tracks),
        *of_seeds(notes.lacking_in_test),
        *of_seeds(partial(notes.lacking_in_validation, validation=validation)),
        *notes.never_predicted_sentences(evidence.never_predicted),
        notes.skipped(evidence.n_skipped),
        notes.truncated(tracks),
        notes.synthetic(evidence.dataset),
        # What to check, or to know.
        replica_notes.doubtful(evidence.replicas, tracks),
        notes.alike_classes(tracks),
        training_notes.other_settings(trainings),
        *of_seeds(partial(replica_notes.handled, evidence.replicas)),
        of_first_seed_only([*evidence.folds_of], tracks.is_fixed),
    ]
    return [sentence for sentence in found if sentence]
