"""What the tracks of a data set have in common: names, tempi, and checks."""

import math
import os
import unicodedata
from collections.abc import Mapping
from itertools import chain

import pandas as pd

from workflow_scripts.dataset import class_names, label_notes
from workflow_scripts.dataset.untidy_names import shape, shown
from workflow_scripts.errors import FEW, UserError, listed

# As in config.schema.yaml: test, validation and training need one each.
MIN_FOLDS = 3
# Characters of a wrong tempo that a message shows.
LONGEST_SHOWN = 40
RENAME = "change the names of its classes"


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
    sizes = tracks["label"].value_counts()
    # First: the other messages show the names as they are.
    if invalid := class_names.problem_of_any(sizes.index):
        raise UserError(f"the data set has {invalid}; {RENAME}")
    if problem := too_few(sizes, n_folds):
        alike = label_notes.alike(tracks["label"])
        ways_out = more_tracks(sizes, n_folds)
        raise UserError(f"{problem}; " + (f"{alike}, or {ways_out}" if alike else ways_out))
    if invalid := class_names.problem(list(sizes.index)):
        raise UserError(f"the data set has {invalid}; {RENAME}")


def check_limited(n_classes: int, limited: Mapping[str, tuple[int, str]]) -> None:
    """Raise UserError if a variant cannot have so many classes.

    `limited` has the most classes of variants, and what raises the number (`models.limits`).
    """
    for variant, (most, remedy) in limited.items():
        if n_classes > most:
            raise UserError(
                f"the data set has {n_classes} classes, but the network variants.{variant} can "
                f"have at most {most}; {remedy}, or use fewer classes"
            )


def too_few(sizes: pd.Series, n_folds: int) -> str:
    """Why the classes, with the number of tracks of each, are too few or too small; or nothing."""
    if len(sizes) < 2:
        classes = f"only the class {sizes.index[0]}" if len(sizes) else "no classes"
        return f"the data set has {classes}"
    small = [f"{label} ({n})" for label, n in sizes.sort_index().items() if n < n_folds]
    if not small:
        return ""
    return (
        f"{n_folds} folds need at least {n_folds} tracks of each class, but there are fewer of "
        f"{listed(small, FEW)}"
    )


def more_tracks(sizes: pd.Series, n_folds: int) -> str:
    """What to do about classes that are `too_few`."""
    if len(sizes) < 2:
        return "it needs at least two classes"
    if (least := sizes.min()) >= MIN_FOLDS:
        return f"add tracks or lower folds to {least}"
    if (sizes >= MIN_FOLDS).sum() >= 2:
        lower = (
            f" and lower folds to {n}" if (n := sizes[sizes >= MIN_FOLDS].min()) < n_folds else ""
        )
        return f"add tracks, or remove the classes with fewer than {MIN_FOLDS}{lower}"
    return "add tracks"


def check_column(tracks: pd.DataFrame, key: str, column: str) -> None:
    """Raise UserError if the tracks lack the `column` of the setting `key`, unless it is empty."""
    if not column or column in tracks:
        return
    near = [shown(name) for name in tracks if shape(name) == shape(column)]
    hint = f"rename {near[0]}" if near else f"choose one of {', '.join(tracks.columns)}"
    raise UserError(f"{key} is {shown(column)}, but the tracks have no such column; {hint}")


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
        shown_text = repr(text.strip()[:LONGEST_SHOWN])
        raise UserError(f"{where}: the tempo {shown_text} is not a positive number of BPM; fix it")
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
