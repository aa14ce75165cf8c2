"""What a reader has to know of a table of accuracies."""

from workflow_scripts.dataset.split import Tracks

SYNTHETIC = (
    "The demo's music is synthetic: these accuracies show that the workflow works "
    "and are not comparable with the paper's."
)
LEGEND = (
    "Accuracy: per cent of the test tracks, by majority vote of their segments; Segments: per "
    "cent of the segments; mean ± standard deviation over {n} folds."
)


def notes(tracks: Tracks, n_skipped: int, dataset: str) -> list[str]:
    """Sentences: what the numbers are, and what of the data limits them.

    `dataset` is ballroom, demo or folder; `n_skipped` tracks were left out.
    """
    sentences = [LEGEND.format(n=tracks.n_folds)]
    for fold, classes in tracks.lacking("test").items():
        sentences.append(f"Fold {fold} tests no track of {', '.join(classes)}.")
    if copies := tracks.n_copies():
        sentences.append(
            f"{copies} tracks have the same audio as one of another fold: one is trained on when "
            "the other is tested."
        )
    if n_skipped:
        sentences.append(f"{n_skipped} tracks were left out; skipped.csv says which and why.")
    if dataset == "demo":
        sentences.append(SYNTHETIC)
    return sentences
