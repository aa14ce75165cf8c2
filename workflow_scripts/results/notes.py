"""Notes on the data behind a table of accuracies: each is one sentence or empty."""

from collections.abc import Mapping, Sequence

from workflow_scripts.dataset.split import Tracks
from workflow_scripts.dataset.untidy_names import alike, shown
from workflow_scripts.errors import FEW, listed
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
LEGEND_OF_FIXED = (
    "Accuracy: % of the {n_test} test tracks of a fixed split, by majority vote of their segments, "
    "with the 95 % interval of Wilson (1927) over test tracks. Segments: % of the test segments. "
    "Classes: % of the test tracks of a class, averaged over the classes; predicting one class "
    "only gives {chance:.1f} for {n_classes} classes.{repetitions}"
)
ONE_SPLIT = (
    "One split, so no spread over folds: intervals and tests are over its {n_test} test tracks and "
    "for these models. They say nothing of other splits{trainings}."
)
LEGEND_OF_SEEDS = " Between seeds: standard deviation of the mean accuracies of the seeds."


def legend(tracks: Tracks, n_seeds: int = 1) -> str:
    """What each accuracy in the table is; `tracks` has the folds of one of `n_seeds` seeds."""
    n_classes = len(tracks.classes)
    over = repetitions(tracks.n_folds, n_seeds)
    if tracks.is_fixed:
        return LEGEND_OF_FIXED.format(
            n_test=len(tracks.tested),
            n_classes=n_classes,
            chance=100 / n_classes,
            repetitions=f" All are mean ± standard deviation over {over}." if n_seeds > 1 else "",
        )
    text = LEGEND.format(repetitions=over, n_classes=n_classes, chance=100 / n_classes)
    return text + (LEGEND_OF_SEEDS if n_seeds > 1 else "")


def one_split(tracks: Tracks, n_seeds: int) -> str:
    """What a fixed split does not show."""
    if not tracks.is_fixed:
        return ""
    trainings = "" if n_seeds > 1 else ", nor of other trainings; several seeds show those"
    return ONE_SPLIT.format(n_test=len(tracks.tested), trainings=trainings)


def lacking_in_test(tracks: Tracks) -> str:
    """Classes without a test track in a fold."""
    missing = tracks.lacking("test")
    if not missing:
        return ""
    return (
        f"No test track: {_of_folds(missing)}. The accuracy by class of these folds leaves the "
        "missing classes out."
    )


def lacking_in_validation(tracks: Tracks, validation: str) -> str:
    """Classes without a validation track in a fold; `validation` is that of config.yaml.

    Folds without a training track of a class are refused when the folds are assigned.
    """
    missing = tracks.lacking("validation") if validation == "tracks" else {}
    if not missing:
        return ""
    return (
        f"No validation track: {_of_folds(missing)}. These classes do not count when the best "
        "epoch is chosen."
    )


def alike_classes(tracks: Tracks) -> str:
    """Classes that may be one class."""
    groups = alike(tracks.classes)
    if not groups:
        return ""
    names = listed([" and ".join(map(shown, group)) for group in groups], FEW, "; ")
    return f"Classes whose names differ only by blanks, invisible characters or case: {names}."


def tracks_of_two_classes(tracks: Tracks) -> str:
    """Tracks whose audio is that of a track of another class."""
    wrong = tracks.n_of_two_classes()
    if not wrong:
        return ""
    return (
        f"{wrong} tracks have the same audio as a track of another class, so at least one of "
        "the two labels is wrong."
    )


def truncated(tracks: Tracks) -> str:
    """Tracks whose files are cut."""
    n = tracks.n_truncated
    if not n:
        return ""
    used = (
        "1 truncated track is used as far as it goes"
        if n == 1
        else (f"{n} truncated tracks are used as far as they go")
    )
    return f"{used}; folds.csv says what is missing."


def skipped(n: int) -> str:
    """Tracks that are not used."""
    if not n:
        return ""
    if n == 1:
        return "1 track was skipped; skipped.csv lists it with the reason."
    return f"{n} tracks were skipped; skipped.csv lists them with the reasons."


def synthetic(dataset: str) -> str:
    """Whether the music is synthetic; `dataset` is ballroom, demo or folder."""
    return SYNTHETIC if dataset == "demo" else ""


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


def _of_folds(missing: Mapping[int, Sequence[str]]) -> str:
    """Folds with their missing classes, for example "fold 2 has none of a, b; fold 3 none of c"."""
    texts = [f"fold {fold} has none of {listed(names)}" for fold, names in missing.items()]
    return listed(texts, FEW, "; ")
