"""Pairs of tracks of the same recording (replicas.csv), and what follows for the tracks."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from workflow_scripts import checked_tables

BALLROOM = Path(__file__).with_name("ballroom_replicas.csv")
# What replicas.csv is, for its checksum.
PAIRS = "a list of replicas"
OF_ANOTHER_CLASS = ", of another class"
COLUMNS = ["first", "second", "score", "verdict"]
# Verdicts: two files with the same bytes; with the same features, such as FLAC made of a WAV; of
# Ballroom's list; with the same sound; and similar, but maybe of different recordings.
SAME_FILE, SAME_SAMPLES, LISTED = "same file", "same samples", "listed"
SAME_SOUND, DOUBTFUL = "same sound", "doubtful"


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


def name_sets(track_ids: Sequence[str], pairs: pd.DataFrame) -> list[str]:
    """A name for each track: that of its set of replicas, or empty if it is the only one.

    `pairs` is replicas.csv; doubtful pairs and pairs of other tracks do not count.
    """
    certain = pairs[pairs["verdict"] != DOUBTFUL]
    number = {track_id: row for row, track_id in enumerate(track_ids)}
    of_these = certain["first"].isin(number.keys()) & certain["second"].isin(number.keys())
    ends = [certain.loc[of_these, end].map(number).to_numpy(int) for end in ("first", "second")]
    graph = coo_array((np.ones(len(ends[0]), bool), ends), shape=(len(number), len(number)))
    sets = connected_components(graph, directed=False)[1]
    alone = np.bincount(sets, minlength=1)[sets] == 1
    return ["" if single else f"{name}" for single, name in zip(alone, sets, strict=True)]


def exact_pairs(tracks: pd.DataFrame, column: str, verdict: str) -> pd.DataFrame:
    """Pairs of tracks (track_id, ...) with the same value in a column, as in replicas.csv.

    Each track is paired with the first of its value. Empty values are ignored.
    """
    ordered = tracks[tracks[column] != ""].sort_values("track_id")
    first = ordered.groupby(column)["track_id"].transform("first")
    repeated = ordered["track_id"] != first
    pairs = pd.DataFrame({"first": first[repeated], "second": ordered["track_id"][repeated]})
    return pairs.assign(score=1.0, verdict=verdict)


def listed_pairs(track_ids: Sequence[str]) -> pd.DataFrame:
    """The pairs of Ballroom's list among these tracks, as in replicas.csv; the score is NaN."""
    pairs = pd.read_csv(BALLROOM)[["first", "second"]]
    known = pairs[pairs.isin(set(track_ids)).all(axis=1)]
    first, second = known.min(axis=1), known.max(axis=1)
    return pd.DataFrame({"first": first, "second": second, "score": np.nan, "verdict": LISTED})


def merged(found: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """All pairs, each once, with the verdict of the first table that has it and its best score.

    A pair is not doubtful if other pairs link its tracks.
    """
    pairs = pd.concat(found, ignore_index=True)
    pairs["score"] = pairs.groupby(["first", "second"])["score"].transform("max")
    certain = pairs[pairs["verdict"] != DOUBTFUL].drop_duplicates(["first", "second"])
    doubtful = pairs[pairs["verdict"] == DOUBTFUL]
    track_ids = np.unique(pairs[["first", "second"]].to_numpy(object).ravel())
    sets = dict(zip(track_ids, name_sets(track_ids, certain), strict=True))
    first, second = (doubtful[end].map(sets) for end in ("first", "second"))
    return pd.concat([certain, doubtful[(first != second) | (first == "")]])


def write(csv: Path, pairs: pd.DataFrame) -> None:
    """Write replicas.csv: one row per pair, sorted; the certain ones first."""
    ordered = pairs.assign(
        doubtful=pairs["verdict"] == DOUBTFUL, score=pairs["score"].astype(float).round(4)
    )
    ordered = ordered.sort_values(["doubtful", "first", "second"])
    checked_tables.write(csv, ordered[COLUMNS], PAIRS)


def read(csv: Path) -> pd.DataFrame:
    """The pairs in replicas.csv (COLUMNS). Raises UserError if it is damaged."""
    return checked_tables.read(
        csv,
        PAIRS,
        dtype=dict.fromkeys(("first", "second", "verdict"), str),
        keep_default_na=False,
        na_values={"score": [""]},
    )


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
