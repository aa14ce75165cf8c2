"""Whether runs have the same tracks in the same folds, so that these can be compared in pairs."""

from collections import Counter
from dataclasses import dataclass

from workflow_scripts.dataset.split import Tracks
from workflow_scripts.errors import FEW, listed
from workflow_scripts.results.run_settings import as_yaml
from workflow_scripts.results.runs import Run

PAIRED, UNPAIRED, NONE = "paired", "unpaired", "none"
# Runs with fewer tracks in common, of those of either run, are of different data sets.
LEAST_IN_COMMON = 0.5
# The settings that decide which track is in which fold.
SETTINGS_OF_FOLDS = ("folds", "split_by", "seed", "seeds", "stratified", "group_by", "replicas")
_WITHOUT_PAIRS = (
    "Their accuracies are compared without pairing the folds, which finds fewer differences."
)


@dataclass(frozen=True)
class Relation:
    """How a run can be compared with the first one, and a sentence that says why.

    `kind` is PAIRED (the same tracks in the same folds), UNPAIRED (other folds, or a few other
    tracks) or NONE (other data or classes).
    """

    kind: str
    sentence: str


def relation(first: Run, other: Run) -> Relation:
    """How `other` can be compared with `first`. Tracks are recognised by their audio."""
    a, b = first.repeats[0].tracks, other.repeats[0].tracks
    if a.classes != b.classes:
        only = [
            f"only {run.name} has {listed(own, FEW)}"
            for run, own in ((first, _without(a, b)), (other, _without(b, a)))
            if own
        ]
        return Relation(
            NONE,
            f"{first.name} and {other.name} have different classes ({'; '.join(only)}): their "
            "accuracies are not comparable.",
        )
    both = (Counter(a.digest) & Counter(b.digest)).total()
    same_names = len(set(a.track_id) & set(b.track_id))
    # Converted or trimmed files have the same names, but other digests.
    if max(both, same_names) < LEAST_IN_COMMON * max(len(a.digest), len(b.digest)):
        return Relation(
            NONE,
            f"{first.name} and {other.name} have different data: of their {len(a.digest)} and "
            f"{len(b.digest)} tracks, {both} are the same. Their accuracies are not comparable.",
        )
    if _contents(a) != _contents(b):
        return Relation(
            UNPAIRED,
            f"{first.name} and {other.name} have {_other_tracks(a, b, both, same_names)}. "
            f"{_WITHOUT_PAIRS}",
        )
    if _assignments(first) == _assignments(other) and a.is_fixed:
        return Relation(
            PAIRED,
            f"{first.name} and {other.name} have the same tracks in the same fixed split: each "
            "test track is compared with itself.",
        )
    if _assignments(first) == _assignments(other):
        return Relation(
            PAIRED,
            f"{first.name} and {other.name} have the same tracks in the same folds: each fold is "
            "compared with itself.",
        )
    return Relation(
        UNPAIRED,
        f"{first.name} and {other.name} have the same tracks in different folds "
        f"({_why_folds_differ(first, other)}). {_WITHOUT_PAIRS}",
    )


def _contents(tracks: Tracks) -> Counter[tuple[str, str]]:
    return Counter(zip(tracks.digest, tracks.label, strict=True))


def _assignments(run: Run) -> dict[int, tuple[bool, Counter[tuple[str, str, int]]]]:
    """Whether the split is fixed, and the labelled tracks of each fold, by seed."""
    return {
        repeat.seed: (
            repeat.tracks.is_fixed,
            Counter(
                zip(repeat.tracks.digest, repeat.tracks.label, repeat.tracks.fold, strict=True)
            ),
        )
        for repeat in run.repeats
    }


def _without(a: Tracks, b: Tracks) -> list[str]:
    return [name for name in a.classes if name not in b.classes]


def _other_tracks(a: Tracks, b: Tracks, both: int, same_names: int) -> str:
    """How the tracks of two runs differ, which have most of them in common."""
    if both == len(a.digest) == len(b.digest):
        other = both - (_contents(a) & _contents(b)).total()
        return f"the same tracks, but {other} of {both} with another label"
    if both < same_names:
        return f"{same_names} tracks of the same names, but {both} of the same audio"
    return f"{len(a.digest)} and {len(b.digest)} tracks, {both} of them the same"


def _why_folds_differ(first: Run, other: Run) -> str:
    differing = [
        f"{key}: {as_yaml(first.config.get(key))} and {as_yaml(other.config.get(key))}"
        for key in SETTINGS_OF_FOLDS
        if first.config.get(key) != other.config.get(key)
    ]
    return "; ".join(differing) or "with the same settings, so by another version of the workflow"
