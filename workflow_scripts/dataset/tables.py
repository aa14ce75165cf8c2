"""The tables that the steps hand on: tracks.csv, labels.csv, folds.csv."""

from pathlib import Path

import pandas as pd


def read_table(csv: Path) -> pd.DataFrame:
    """A table of the workflow's own; all columns as text but bpm, a float, NaN where unknown."""
    text = pd.read_csv(csv, dtype=str, keep_default_na=False)
    if "bpm" in text:
        text["bpm"] = pd.to_numeric(text["bpm"])
    return text
