"""Read the tables of tracks that the steps write: tracks.csv and folds.csv."""

import csv
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd


def read_table(table: Path) -> pd.DataFrame:
    """A table of tracks: all columns are text, except bpm: float, NaN if unknown."""
    text = pd.read_csv(table, dtype=str, keep_default_na=False)
    if "bpm" in text:
        text["bpm"] = pd.to_numeric(text["bpm"])
    return text


def annotated_bpm(tracks: Path, track_ids: np.ndarray) -> np.ndarray | None:
    """The annotated tempo of each of these tracks in tracks.csv; None unless all are known."""
    listed = read_table(tracks).set_index("track_id").loc[track_ids]
    known = "bpm" in listed and listed["bpm"].notna().all()
    return listed["bpm"].to_numpy() if known else None


def paths_of(tracks: Path, digests: Collection[str]) -> dict[str, str]:
    """A path for each of these content digests, from tracks.csv, which is read row by row."""
    with tracks.open(newline="", encoding="utf-8") as file:
        return {
            row["digest"]: row["path"] for row in csv.DictReader(file) if row["digest"] in digests
        }
