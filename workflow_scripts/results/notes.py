"""Notes below a table of accuracies."""

from workflow_scripts.dataset.split import Tracks

SYNTHETIC = (
    "The demo's music is synthetic: these accuracies show that the workflow works "
    "and are not comparable with the paper's."
)
LEGEND = (
    "Accuracy: % of the test tracks, by majority vote of their segments. Segments: % of the test "
    "segments. Both are mean ± standard deviation over {n} folds."
)


def notes(tracks: Tracks, n_skipped: int, dataset: str) -> list[str]:
    """The legend of the table, then one sentence for each limitation of the data.

    `dataset` is ballroom, demo or folder; `n_skipped` is the number of skipped tracks.
    """
    sentences = [LEGEND.format(n=tracks.n_folds)]
    for fold, classes in tracks.lacking("test").items():
        sentences.append(f"The test set of fold {fold} has no track of {', '.join(classes)}.")
    if copies := tracks.n_copies():
        sentences.append(
            f"{copies} tracks have the same audio as a track of another fold: a model may be "
            "tested on audio that it was trained on."
        )
    if tracks.n_truncated:
        sentences.append(
            f"{tracks.n_truncated} truncated tracks are used as far as they go; folds.csv says "
            "what is missing."
        )
    if n_skipped:
        sentences.append(
            f"{n_skipped} tracks were skipped; skipped.csv lists them with the reasons."
        )
    if dataset == "demo":
        sentences.append(SYNTHETIC)
    return sentences
