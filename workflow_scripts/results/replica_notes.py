"""Notes on replicas behind a table of accuracies: each is one sentence or empty."""

import pandas as pd

from workflow_scripts.dataset import replicas
from workflow_scripts.dataset.split import Tracks

# Pairs that a note names.
NAMED = 3


def leaks(pairs: pd.DataFrame, tracks: Tracks) -> str:
    """Replicas in different folds. `pairs` is replicas.csv, here and below."""
    table = with_folds(pairs, tracks)
    found = table[_used(table) & _apart(table) & ~_doubtful(table)]
    if not len(found):
        return ""
    where = "parts of the split" if tracks.is_fixed else "folds"
    return (
        f"{_counted(found)} of the same recording in different {where}: {_named(found)}. A model "
        "may be tested on audio that it was trained on."
    )


def doubtful(pairs: pd.DataFrame, tracks: Tracks) -> str:
    """Pairs of used tracks that may be replicas."""
    table = with_folds(pairs, tracks)
    found = table[_used(table) & _doubtful(table)]
    if not len(found):
        return ""
    return (
        f"{_counted(found)} treated as different recordings but may be of the same one; "
        f"check by ear: {_named(found)}."
    )


def handled(pairs: pd.DataFrame, tracks: Tracks) -> str:
    """Replicas in one fold, or of which one track is skipped."""
    table = with_folds(pairs, tracks)
    found = table[~(_used(table) & _apart(table)) & ~_doubtful(table)]
    if not len(found):
        return ""
    where = "part of the split" if tracks.is_fixed else "fold"
    return (
        f"{_counted(found)} of the same recording, in one {where} or with one track skipped: "
        f"{_named(found)}."
    )


def with_folds(pairs: pd.DataFrame, tracks: Tracks) -> pd.DataFrame:
    """The pairs of which a track is used, with first_fold and second_fold, NaN if not used."""
    fold_of = pd.Series(tracks.fold, index=tracks.track_id)
    folds = {f"{end}_fold": pairs[end].map(fold_of) for end in ("first", "second")}
    table = pairs.assign(**folds)
    return table[table[[*folds]].notna().any(axis=1)]


def _used(table: pd.DataFrame) -> pd.Series:
    """Whether both tracks are used."""
    return table[["first_fold", "second_fold"]].notna().all(axis=1)


def _apart(table: pd.DataFrame) -> pd.Series:
    return table["first_fold"] != table["second_fold"]


def _doubtful(table: pd.DataFrame) -> pd.Series:
    return table["verdict"] == replicas.DOUBTFUL


def _counted(pairs: pd.DataFrame) -> str:
    return "1 pair of tracks is" if len(pairs) == 1 else f"{len(pairs)} pairs of tracks are"


def _named(pairs: pd.DataFrame) -> str:
    names = [f"{row.first} and {row.second}" for row in pairs.head(NAMED).itertuples()]
    more = len(pairs) - len(names)
    return "; ".join([*names, *([f"{more} more, see replicas.csv"] if more else [])])
