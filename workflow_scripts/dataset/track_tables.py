"""Read the tables of tracks that the steps write: tracks.csv and folds.csv."""

import csv
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts import checked_tables
from workflow_scripts.errors import UserError

LIST_AGAIN = "remove it and run snakemake"

# Columns that the workflow adds to those of a user's tracks.csv. A column of such a name would be
# lost, or be taken for the computed one.
COMPUTED = ("digest", "n_frames", "silence", "truncated", "front_end", checked_tables.COLUMN)
TRACKS, FOLDS, SKIPPED = "a list of all tracks", "a list of folds", "a list of skipped tracks"


def read_table(table: Path, what: str) -> pd.DataFrame:
    """A table of tracks: all columns are text, except bpm: float, NaN if unknown.

    `what` is TRACKS, FOLDS or SKIPPED. Raises UserError if the table is damaged.
    """
    text = checked_tables.read(table, what, dtype=str, keep_default_na=False)
    if "bpm" in text:
        text["bpm"] = pd.to_numeric(text["bpm"])
    return text


def annotated_bpm(tracks: Path, track_ids: np.ndarray) -> np.ndarray | None:
    """The annotated tempo of each of these tracks in tracks.csv; None unless all are known."""
    listed = read_table(tracks, TRACKS).set_index("track_id")
    if not listed.index.isin(track_ids).sum() == len(track_ids):
        raise UserError(f"{tracks} lacks tracks of folds.csv; {LIST_AGAIN}")
    listed = listed.loc[track_ids]
    known = "bpm" in listed and listed["bpm"].notna().all()
    return listed["bpm"].to_numpy() if known else None


def contents_of(shard: Path, tracks: Path) -> dict[str, str]:
    """The content digests in the list of a shard, in order, with a path of each.

    `tracks` is tracks.csv. Raises UserError if a file is damaged.
    """
    digests = shard.read_bytes().decode(errors="replace").split()
    found = _paths(tracks, set(digests))
    if missing := set(digests) - set(found):
        raise UserError(
            f"{shard} has the audio content {min(missing)[:16]!r}, which {tracks} lacks; remove it "
            "and run snakemake"
        )
    return {digest: found[digest] for digest in digests}


def paths_of(tracks: Path, digests: Collection[str]) -> dict[str, str]:
    """A path for each of these content digests, from tracks.csv.

    Raises UserError if tracks.csv is damaged or lacks one.
    """
    found = _paths(tracks, digests)
    if missing := set(digests) - set(found):
        raise UserError(f"{tracks} lacks the audio content {min(missing)[:16]}; {LIST_AGAIN}")
    return found


def _paths(tracks: Path, digests: Collection[str]) -> dict[str, str]:
    """A path for each of the digests that are in tracks.csv, which is read row by row."""
    checked_tables.check(tracks, TRACKS)
    with tracks.open(newline="", encoding="utf-8") as file:
        return {
            row["digest"]: row["path"] for row in csv.DictReader(file) if row["digest"] in digests
        }
