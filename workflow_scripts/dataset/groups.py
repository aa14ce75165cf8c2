"""The groups that the user names with group_by: tracks with equal values share a fold."""

from collections.abc import Iterator

import pandas as pd

from workflow_scripts.dataset.tracks import MIN_FOLDS
from workflow_scripts.dataset.untidy_names import alike_in, tidy


def values(column: pd.Series) -> pd.Series:
    """The values of a column of the tracks as tidy text; empty where there is none."""
    return column.astype(str).where(column.notna(), "").map(tidy)


def notes(column: pd.Series, name: str) -> Iterator[str]:
    """Sentences about values that may not be what the user meant."""
    found = values(column)
    if n := (found == "").sum():
        yield (
            f"{n} of {len(found)} tracks have no {name}; each is a group of its own, so two of the "
            "same group may be in different folds"
        )
    if pairs := alike_in(found[found != ""]):
        yield (
            f"values of {name} that differ only by case or blanks are different groups: {pairs}; "
            "make them equal if they are the same"
        )


def ways_out(group_by: str, n_folds: int) -> str:
    """What to do about groups that are too few or too uneven for more than `n_folds` folds."""
    ways = ["add tracks"]
    if n_folds >= MIN_FOLDS:
        ways.append(f"lower folds to {n_folds}")
    if group_by:
        ways.append("remove group_by")
    return " or ".join(ways)
