"""The fixed split that the user names with split_by: a column that says the part of each track."""

import numpy as np
import pandas as pd

from workflow_scripts.dataset import groups
from workflow_scripts.dataset.split import PARTS
from workflow_scripts.dataset.tracks import check_column
from workflow_scripts.dataset.untidy_names import shown
from workflow_scripts.errors import FEW, UserError, listed

ALLOWED = "train, validation or test"


def check(tracks: pd.DataFrame, split_by: str) -> None:
    """Raise UserError if the column `split_by`, unless it is empty, is not a split of `tracks`.

    Each value is one of ALLOWED, and each part has a track of each class.
    """
    check_column(tracks, "split_by", split_by)
    if not split_by:
        return
    parts = groups.values(tracks[split_by])
    if (wrong := ~parts.isin(PARTS)).any():
        counts = parts[wrong].value_counts()
        values = listed([f"{shown(v)} ({n} times)" for v, n in counts.items()], FEW)
        example = tracks["track_id"][wrong].iloc[0]
        raise UserError(
            f"the column {shown(split_by)}, which split_by names, must say {ALLOWED}, but it has "
            f"{values}, first at {example}; change these values"
        )
    check_classes(tracks["label"], parts)


def check_classes(labels: pd.Series, parts: pd.Series) -> None:
    """Raise UserError if a part has no track of a class. Both series have a text per track."""
    present = set(zip(parts, labels, strict=True))
    for part in ("train", "validation", "test"):
        missing = [name for name in sorted(set(labels)) if (part, name) not in present]
        if missing:
            raise UserError(
                f"the split of split_by has no {part} track of {listed(missing, FEW)}; add one, or "
                "leave these classes out of tracks.csv"
            )


def folds(column: pd.Series) -> np.ndarray:
    """The position in PARTS of each track's part, int (tracks,). The column has been checked."""
    return np.array([PARTS.index(part) for part in groups.values(column)])
