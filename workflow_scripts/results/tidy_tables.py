"""predictions.csv, per_class.csv and confusions.csv: all variants and folds in one table each.

One row per observation, for notebooks and plots. The first columns of each table are KEY.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts import checked_tables
from workflow_scripts.dataset.split import Tracks

# The model behind a row.
KEY = ["seed", "variant", "fold"]
FILES = ("predictions.csv", "per_class.csv", "confusions.csv")
NAMES = ("variant", "track_id", "label", "predicted")
UNDEFINED = ("precision", "recall", "f1")


def of_model(
    fit: Mapping[str, Any],
    table: pd.DataFrame,
    track_ids: pd.CategoricalDtype,
    classes: Sequence[str],
) -> pd.DataFrame:
    """The rows of predictions.csv of one model: one for each of its test tracks.

    `fit` is the content of its fit.json, `table` one of `predictions.table` with tracks among
    `track_ids`, one type for all models: each has an index of its own. Columns: KEY,
    track_id, label, predicted, correct; n_segments, and how many of them vote for the predicted
    class and for the label; the mean probabilities of both, float32. Names are categories and
    numbers have 32 bits, so that the rows of all models fit into memory.
    """
    of_class = pd.CategoricalDtype(classes)
    known = {"track_id": track_ids, "label": of_class, "predicted": of_class}
    names = {name: pd.Categorical(table[name], dtype=kind) for name, kind in known.items()}
    rows = pd.DataFrame(
        {
            "seed": fit["seed"],
            "variant": pd.Categorical([fit["variant"]] * len(table)),
            "fold": np.int32(fit["fold"]),
        }
        | names
    )
    label, predicted = (names[name].codes for name in ("label", "predicted"))
    rows["correct"] = predicted == label
    rows["n_segments"] = table["n_segments"].to_numpy(np.int32)
    for kind, dtype in (("votes", np.int32), ("probability", np.float32)):
        values = table[[f"{kind}_{name}" for name in classes]].to_numpy(dtype)
        for column, codes in (("predicted", predicted), ("label", label)):
            rows[f"{kind}_{column}"] = values[np.arange(len(rows)), codes]
    return rows


def per_class(predicted: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """A table with one row per model and class, of rows of `of_model`.

    Columns: KEY, label; precision, recall and f1 (their harmonic mean), 0 to 1; support, the number
    of test tracks with this label. NaN is 0/0: precision if no track is predicted as the class,
    recall if no track has the label, f1 if both. A class that has tracks, none of them predicted
    correctly, has an f1 of 0.
    """
    parts = []
    for key, own in predicted.groupby(KEY, sort=False, observed=True):
        label, answer = (pd.Categorical(own[c], classes).codes for c in ("label", "predicted"))
        support, answered, correct = (
            np.bincount(codes, minlength=len(classes))
            for codes in (label, answer, label[label == answer])
        )
        part = pd.DataFrame(dict(zip(KEY, key, strict=True)) | {"label": list(classes)})
        part["precision"] = _ratio(correct, answered)
        part["recall"] = _ratio(correct, support)
        part["f1"] = _ratio(2 * correct, answered + support)
        parts.append(part.assign(support=support))
    return pd.concat(parts, ignore_index=True)


def confusions(predicted: pd.DataFrame) -> pd.DataFrame:
    """A table with one row per model, label and predicted class that at least one track has.

    `predicted` has rows of `of_model`.

    Columns: KEY, label, predicted, tracks (their number).
    """
    parts = []
    for key, own in predicted.groupby(KEY, sort=False, observed=True):
        part = (
            own.groupby(["label", "predicted"], observed=True).size().rename("tracks").reset_index()
        )
        for position, (column, value) in enumerate(zip(KEY, key, strict=True)):
            part.insert(position, column, value)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def write(folder: Path, models: Sequence[pd.DataFrame], tracks: Tracks) -> None:
    """Write the three tables into `folder`; `models` has the rows of each model (`of_model`)."""
    tables = (
        models,
        [per_class(own, tracks.classes) for own in models],
        [confusions(own) for own in models],
    )
    for file, parts in zip(FILES, tables, strict=True):
        checked_tables.write_parts(folder / file, parts, _what(file, tracks))


def read(csv: Path, tracks: Tracks) -> pd.DataFrame:
    """One of the tables that `write` wrote; names are text, undefined numbers NaN.

    Raises UserError if it is damaged or of other tracks.
    """
    options = {"dtype": dict.fromkeys(NAMES, str), "keep_default_na": False}
    undefined = {column: [""] for column in UNDEFINED}
    return checked_tables.read(csv, _what(csv.name, tracks), na_values=undefined, **options)


def _what(file: str, tracks: Tracks) -> str:
    return f"{file} of the tracks {tracks.key}"


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """`part / whole`; 0/0 is NaN."""
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
