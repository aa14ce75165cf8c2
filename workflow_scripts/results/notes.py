"""Notes below a table of accuracies."""

import pandas as pd

from workflow_scripts.dataset.split import Tracks
from workflow_scripts.results.replica_notes import replica_notes

SYNTHETIC = (
    "The demo's music is synthetic: these accuracies show that the workflow works "
    "and are not comparable with the paper's."
)
LEGEND = (
    "Accuracy: % of the test tracks, by majority vote of their segments. Segments: % of the test "
    "segments. Both are mean ± standard deviation over {n} folds."
)


def notes(tracks: Tracks, pairs: pd.DataFrame, n_skipped: int, dataset: str) -> list[str]:
    """The legend of the table, then one sentence for each limitation of the data.

    `pairs` is replicas.csv; `n_skipped` is the number of skipped tracks; `dataset` is ballroom,
    demo or folder.
    """
    sentences = [LEGEND.format(n=tracks.n_folds)]
    for fold, classes in tracks.lacking("test").items():
        sentences.append(f"The test set of fold {fold} has no track of {', '.join(classes)}.")
    sentences += replica_notes(pairs, tracks)
    if n_skipped:
        sentences.append(
            f"{n_skipped} tracks were skipped; skipped.csv lists them with the reasons."
        )
    if dataset == "demo":
        sentences.append(SYNTHETIC)
    return sentences
