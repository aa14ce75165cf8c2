"""Notes on replicas below a table of accuracies."""

import pandas as pd

from workflow_scripts.dataset import replicas
from workflow_scripts.dataset.split import Tracks

# Pairs that a note names.
NAMED = 3


def replica_notes(pairs: pd.DataFrame, tracks: Tracks) -> list[str]:
    """A sentence each on replicas in different folds, on other replicas, and on doubtful pairs.

    `pairs` is replicas.csv. Pairs of which no track is used are left out.
    """
    table = with_folds(pairs, tracks)
    doubtful = table["verdict"] == replicas.DOUBTFUL
    both = table[["first_fold", "second_fold"]].notna().all(axis=1)
    apart = both & (table["first_fold"] != table["second_fold"])
    sentences = []
    if len(leaks := table[apart & ~doubtful]):
        sentences.append(
            f"{_counted(leaks)} of the same recording in different folds: {_named(leaks)}. A model "
            "may be tested on audio that it was trained on."
        )
    if len(handled := table[~apart & ~doubtful]):
        sentences.append(
            f"{_counted(handled)} of the same recording, in one fold or with one track skipped: "
            f"{_named(handled)}."
        )
    if len(open_cases := table[both & doubtful]):
        sentences.append(
            f"{_counted(open_cases)} treated as different recordings but may be of the same one; "
            f"check by ear: {_named(open_cases)}."
        )
    return sentences


def with_folds(pairs: pd.DataFrame, tracks: Tracks) -> pd.DataFrame:
    """The pairs of which a track is used, with first_fold and second_fold, NaN if not used."""
    fold_of = pd.Series(tracks.fold, index=tracks.track_id)
    folds = {f"{end}_fold": pairs[end].map(fold_of) for end in ("first", "second")}
    table = pairs.assign(**folds)
    return table[table[[*folds]].notna().any(axis=1)]


def _counted(pairs: pd.DataFrame) -> str:
    return "1 pair of tracks is" if len(pairs) == 1 else f"{len(pairs)} pairs of tracks are"


def _named(pairs: pd.DataFrame) -> str:
    names = [f"{row.first} and {row.second}" for row in pairs.head(NAMED).itertuples()]
    more = len(pairs) - len(names)
    return "; ".join([*names, *([f"{more} more, see replicas.csv"] if more else [])])
