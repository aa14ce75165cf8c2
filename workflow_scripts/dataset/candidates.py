"""Find pairs of tracks that share fingerprints, in a time that grows with the number of tracks."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.dataset import fingerprints
from workflow_scripts.dataset.spool import Spool

# A code is compared with this many others of the same kind, the most similar ones. So a code that
# is in every track costs no more than another one.
NEIGHBOURS = 6
# Half frames: copies share codes at one lag, give or take this.
SAME_LAG = 4
# Pairs that share fewer codes at one lag are not candidates.
FEWEST_VOTES = 3
# So many that a bucket of 10^6 tracks fits in memory.
N_BUCKETS = 64
SHARED = np.dtype([("first", "<u4"), ("second", "<u4"), ("lag", "<i4")])


def candidates(prints: Iterable[np.ndarray], folder: Path) -> pd.DataFrame:
    """Pairs of tracks that may be of one recording: first < second, votes; most votes first.

    `prints` are the results of `fingerprints.fingerprint`, which may be made one by one. Temporary
    files are in `folder`: 10 KB a track of 30 s.
    """
    with Spool(folder, fingerprints.ENTRY, N_BUCKETS) as entries:
        for entry in prints:
            entries.add(entry, fingerprints.buckets(entry["code"], N_BUCKETS))
        with Spool(folder, SHARED, N_BUCKETS) as shared:
            for bucket in range(entries.n_buckets):
                for rows in _shared(entries.read(bucket)):
                    shared.add(rows, rows["first"] % N_BUCKETS)
            found = [_votes(shared.read(bucket)) for bucket in range(shared.n_buckets)]
    pairs = pd.concat(found, ignore_index=True)
    return pairs.sort_values(
        ["votes", "first", "second"], ascending=[False, True, True], ignore_index=True
    )


def _shared(entries: np.ndarray) -> Iterable[np.ndarray]:
    """The pairs of neighbouring entries with the same code, SHARED."""
    entries = entries[np.lexsort((entries["track"], entries["code"]))]
    codes = fingerprints.without_context(entries["code"])
    for distance in range(1, NEIGHBOURS + 1):
        same = np.flatnonzero(codes[distance:] == codes[:-distance])
        if not len(same):
            return
        one, other = entries[same], entries[same + distance]
        ordered = one["track"] < other["track"]
        rows = np.empty(len(same), SHARED)
        rows["first"] = np.where(ordered, one["track"], other["track"])
        rows["second"] = np.where(ordered, other["track"], one["track"])
        rows["lag"] = np.where(ordered, 1, -1) * (one["time"] - other["time"])
        yield rows


def _votes(rows: np.ndarray) -> pd.DataFrame:
    """The largest number of codes that each pair shares at one lag, if enough."""
    if len(rows) < FEWEST_VOTES:
        return pd.DataFrame({"first": [], "second": [], "votes": []}, dtype=np.int64)
    rows = rows[np.lexsort((rows["lag"], rows["second"], rows["first"]))]
    pair = (rows["first"].astype(np.uint64) << np.uint64(32)) | rows["second"]
    # Enough votes at one lag: so many rows further is the same pair at almost the same lag.
    further = FEWEST_VOTES - 1
    near = np.zeros(len(rows), bool)
    near[:-further] = (pair[further:] == pair[:-further]) & (
        rows["lag"][further:] - rows["lag"][:-further] <= SAME_LAG
    )
    starts = np.flatnonzero(near)
    # A key that grows with pair and lag, to count the rows up to the last near lag.
    number = np.cumsum(np.concatenate([[0], np.diff(pair) != 0])[: len(pair)]).astype(np.int64)
    key = (number << 32) + rows["lag"] + (1 << 30)
    votes = np.searchsorted(key, key[starts] + SAME_LAG, side="right") - starts
    table = pd.DataFrame(
        {"first": rows["first"][starts], "second": rows["second"][starts], "votes": votes}
    )
    return table.groupby(["first", "second"], as_index=False)["votes"].max().astype(np.int64)
