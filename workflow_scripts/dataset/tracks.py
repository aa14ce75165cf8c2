"""What the tracks of a data set have in common: names, tempi, and checks."""

import math
import os
import unicodedata
from itertools import chain

import pandas as pd

from workflow_scripts.dataset import class_names
from workflow_scripts.errors import UserError


def check_names(tracks: pd.DataFrame) -> None:
    """Raise UserError if a text cannot be written to a CSV and read back."""
    columns = [tracks[column] for column in tracks if column != "bpm"]
    for text in chain(tracks.columns, *columns):
        if "\r" in text or any("\udc80" <= character <= "\udcff" for character in text):
            raise UserError(
                f"{text!r} contains a carriage return or bytes that are not UTF-8; rename it"
            )


def check_classes(tracks: pd.DataFrame, n_folds: int) -> None:
    """Raise UserError if there are too few classes, or too few tracks of a class for the folds."""
    sizes = tracks["label"].value_counts().sort_index()
    if len(sizes) < 2:
        classes = f"only the class {sizes.index[0]}" if len(sizes) else "no classes"
        raise UserError(f"the data set has {classes}; it needs at least two")
    if problem := class_names.problem(list(sizes.index)):
        raise UserError(f"the data set has {problem}; change the names of its classes")
    small = [f"{label} ({n})" for label, n in sizes.items() if n < n_folds]
    if small:
        raise UserError(
            f"{n_folds} folds need at least {n_folds} tracks of each class, but there are fewer "
            f"of {', '.join(small)}; add tracks or lower folds"
        )


def check_group(tracks: pd.DataFrame, group_by: str) -> None:
    """Raise UserError if the tracks have no column `group_by`, unless it is empty."""
    if group_by and group_by not in tracks:
        raise UserError(
            f"group_by is {group_by}, but the tracks have no such column; choose one of "
            f"{', '.join(tracks.columns)}"
        )


def track_ids(tracks: pd.DataFrame) -> list[str]:
    """Return class/stem for each track, made unique."""
    pairs = zip(tracks["label"], tracks["path"], strict=True)
    return _made_unique(
        [unicodedata.normalize("NFC", f"{label}/{stem(path)}") for label, path in pairs]
    )


def stem(path: str) -> str:
    """The name of a file without folders and suffix."""
    return os.path.splitext(os.path.basename(path))[0]


def parse_tempo(text: str, where: str) -> float | None:
    """The tempo in BPM; None for an empty text. Raises UserError, naming `where`, if invalid."""
    if not text.strip():
        return None
    try:
        bpm = float(text)
    except ValueError:
        bpm = math.nan
    if not 0 < bpm < math.inf:
        raise UserError(
            f"{where}: the tempo {text.strip()!r} is not a positive number of BPM; fix it"
        )
    return bpm


def _made_unique(names: list[str]) -> list[str]:
    """Number the second and further uses of a name: a, a~2, a~3."""
    seen: set[str] = set(names)
    used: set[str] = set()
    unique = []
    for name in names:
        candidate, number = name, 1
        while candidate in used or (number > 1 and candidate in seen):
            number += 1
            candidate = f"{name}~{number}"
        used.add(candidate)
        unique.append(candidate)
    return unique
