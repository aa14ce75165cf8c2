"""Notes below a table of accuracies."""

from collections.abc import Mapping, Sequence

import pandas as pd

from workflow_scripts.dataset.split import Tracks
from workflow_scripts.dataset.untidy_names import alike, shown
from workflow_scripts.errors import FEW, listed
from workflow_scripts.results.replica_notes import replica_notes
from workflow_scripts.results.seed_notes import repetitions

SYNTHETIC = (
    "The demo's music is synthetic: these accuracies show that the workflow works "
    "and are not comparable with the paper's."
)
LEGEND = (
    "Accuracy: % of the test tracks, by majority vote of their segments. Segments: % of the test "
    "segments. Classes: % of the test tracks of a class, averaged over the classes of a fold; "
    "predicting one class only gives {chance:.1f} for {n_classes} classes. All are mean ± standard "
    "deviation over {repetitions}."
)
LEGEND_OF_SEEDS = " Between seeds: standard deviation of the mean accuracies of the seeds."


def notes(
    tracks: Tracks,
    pairs: pd.DataFrame,
    n_skipped: int,
    dataset: str,
    never_predicted: Mapping[str, Sequence[str]],
    n_seeds: int = 1,
) -> list[str]:
    """The legend of the table, then one sentence for each limitation of the data or a network.

    `pairs` is replicas.csv; `n_skipped` is the number of skipped tracks; `dataset` is ballroom,
    demo or folder; `never_predicted` has the classes that a variant predicts for no test track, by
    variant; `n_seeds` is the number of seeds in the table, of which `tracks` has the folds of one.
    """
    n_classes = len(tracks.classes)
    over = repetitions(tracks.n_folds, n_seeds)
    legend = LEGEND.format(repetitions=over, n_classes=n_classes, chance=100 / n_classes)
    sentences = [legend + (LEGEND_OF_SEEDS if n_seeds > 1 else "")]
    sentences += never_predicted_sentences(never_predicted)
    for fold, classes in tracks.lacking("test").items():
        sentences.append(f"The test set of fold {fold} has no track of {listed(classes)}.")
    if alike_classes := alike(tracks.classes):
        names = listed([" and ".join(map(shown, group)) for group in alike_classes], FEW, "; ")
        sentences.append(
            f"Classes whose names differ only by blanks, invisible characters or case: {names}."
        )
    if wrong := tracks.n_of_two_classes():
        sentences.append(
            f"{wrong} tracks have the same audio as a track of another class, so at least one of "
            "the two labels is wrong."
        )
    sentences += replica_notes(pairs, tracks)
    if tracks.n_truncated:
        sentences.append(
            f"{tracks.n_truncated} truncated tracks are used as far as they go; folds.csv says "
            "what is missing."
        )
    if n_skipped:
        were = "1 track was" if n_skipped == 1 else f"{n_skipped} tracks were"
        them = "it with the reason" if n_skipped == 1 else "them with the reasons"
        sentences.append(f"{were} skipped; skipped.csv lists {them}.")
    if dataset == "demo":
        sentences.append(SYNTHETIC)
    return sentences


def never_predicted_sentences(never_predicted: Mapping[str, Sequence[str]]) -> list[str]:
    """A sentence for each set of classes that some variants never predict, and these variants."""
    variants_of: dict[tuple[str, ...], list[str]] = {}
    for variant, classes in never_predicted.items():
        if classes:
            variants_of.setdefault(tuple(classes), []).append(variant)
    return [
        f"{listed(variants)} never predict{'s' if len(variants) == 1 else ''} {listed(classes)}."
        for classes, variants in variants_of.items()
    ]
