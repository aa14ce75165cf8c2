"""Find tracks of the same recording: known pairs, and files with the same content."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

BALLROOM = Path(__file__).with_name("ballroom_replicas.csv")
OF_ANOTHER_CLASS = ", of another class"


def together(*names: Sequence[str]) -> np.ndarray:
    """The set of each track, numbered from 0, int (tracks,).

    Tracks that share a name are in one set. Each column in `names` has one name per track.
    Empty names are ignored. Tracks that are linked through other tracks are in one set too.
    """
    n = len(names[0])
    rows, columns, first = [np.arange(0)], [np.arange(0)], n
    for column in names:
        codes, values = pd.factorize(np.asarray(column, dtype=object))
        named = np.asarray([value != "" for value in values], dtype=bool)[codes]
        rows.append(np.flatnonzero(named))
        columns.append(first + codes[named])
        first += len(values)
    row, column = np.concatenate(rows), np.concatenate(columns)
    graph = coo_array((np.ones(len(row), bool), (row, column)), shape=(first, first))
    return connected_components(graph, directed=False)[1][:n]


def known(track_ids: Sequence[str], pairs: pd.DataFrame) -> list[str]:
    """A name for each track: that of its pair (columns first, second), or empty."""
    pair_of = dict(zip(pairs["first"], pairs["first"], strict=True))
    pair_of |= dict(zip(pairs["second"], pairs["first"], strict=True))
    return [pair_of.get(track_id, "") for track_id in track_ids]


def superfluous(tracks: pd.DataFrame, sets: np.ndarray) -> pd.Series:
    """The reasons to skip tracks (track_id, label) so that one track of each set remains.

    The first by track_id remains. If a set has two labels, none remains, as the correct label is
    unknown. Returns an entry for each track to skip, indexed as `tracks`.
    """
    reasons = {}
    _, inverse, sizes = np.unique(sets, return_inverse=True, return_counts=True)
    several = tracks[sizes[inverse] > 1]
    for _, same in several.groupby(sets[sizes[inverse] > 1]):
        names = same["track_id"].sort_values()
        if same["label"].nunique() > 1:
            for row in names.index:
                others = ", ".join(names.drop(row))
                reasons[row] = f"is a replica of {others}{OF_ANOTHER_CLASS}"
        else:
            reasons |= dict.fromkeys(names.index[1:], f"is a replica of {names.iloc[0]}")
    return pd.Series(reasons, dtype=object)
