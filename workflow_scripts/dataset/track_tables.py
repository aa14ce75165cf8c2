"""The tables that the steps hand on: tracks.csv, labels.csv, folds.csv."""

import csv
from collections.abc import Collection
from pathlib import Path

import pandas as pd


def read_table(table: Path) -> pd.DataFrame:
    """A table of the workflow's own; all columns as text but bpm, a float, NaN where unknown."""
    text = pd.read_csv(table, dtype=str, keep_default_na=False)
    if "bpm" in text:
        text["bpm"] = pd.to_numeric(text["bpm"])
    return text


def paths_of(tracks: Path, digests: Collection[str]) -> dict[str, str]:
    """Of tracks.csv, the path of a file of each of these contents; a row is in memory at a time."""
    with tracks.open(newline="", encoding="utf-8") as file:
        return {
            row["digest"]: row["path"] for row in csv.DictReader(file) if row["digest"] in digests
        }
