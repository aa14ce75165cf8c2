"""What a user should know about the labels of a data set, since it may be a mistake."""

from collections.abc import Iterator

import pandas as pd

from workflow_scripts.dataset.untidy_names import alike_in, shown
from workflow_scripts.errors import FEW, listed


def notes(tracks: pd.DataFrame) -> Iterator[str]:
    """A sentence for each oddity of the labels of `tracks` (path, label, digest)."""
    if sentence := alike(tracks["label"]):
        yield sentence
    if files := in_several_classes(tracks):
        yield (
            f"{len(files)} recording{'s are' if len(files) > 1 else ' is'} listed under more than "
            f"one class: {listed(files, FEW, '; ')}; remove all but the correct one of each"
        )


def alike(labels: pd.Series) -> str:
    """A sentence about labels that may be meant to be the same; empty if there are none."""
    if pairs := alike_in(labels):
        return (
            "labels that differ only by blanks, invisible characters or case are different "
            f"classes: {pairs}; make them equal if they are the same"
        )
    return ""


def in_several_classes(tracks: pd.DataFrame) -> list[str]:
    """The paths and labels of each content that has several labels."""
    readable = tracks[tracks["digest"] != ""]
    n_labels = readable.groupby("digest")["label"].transform("nunique")
    return [
        " and ".join(
            f"{path} as {', '.join(map(shown, sorted(set(labels))))}"
            for path, labels in same.groupby("path")["label"]
        )
        for _, same in readable[n_labels > 1].groupby("digest")
    ]
