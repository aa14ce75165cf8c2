"""A tracks.csv from track objects, such as mirdata's, that have their values as attributes."""

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.dataset.track_tables import COMPUTED
from workflow_scripts.errors import MOST_NAMES, UserError, listed

# Attributes that are the label if the tracks have exactly one of them.
OBVIOUS = ("genre", "style", "instrument", "key")
# Attributes with the part of a fixed split, and what `split_by` calls the parts.
SPLITS = ("split", "subset")
PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
# Tracks that show which attributes have one value a track.
EXAMINED = 20
# What an attribute raises if a file of annotations is missing or if it does not apply to a track.
FAILURES = (OSError, AttributeError, LookupError, ValueError, TypeError)
ONE_VALUE = str | int | float | np.integer | np.floating | np.bool_
COLUMNS = ("path", "label", "track_id", "bpm", "split")


def audio_attribute(track: Any, chosen: str = "") -> str:
    """The attribute of `track` that has the path of its audio; `chosen` if there are several.

    Raises UserError if there is none, or if it is not clear which one to take.
    """
    paths = [n for n in _public(track) if n.startswith("audio") and n.endswith("path")]
    names = [name for name in paths if isinstance(_value(track, name), str)]
    if not names:
        raise UserError("its tracks have annotations but no audio; choose another data set")
    if chosen in names:
        return chosen
    choices = " or ".join(f"AUDIO={name}" for name in names)
    if chosen:
        raise UserError(f"its tracks have no path {chosen}; choose {choices}")
    if len(names) > 1:
        raise UserError(f"each track has {len(names)} recordings; choose {choices}")
    return names[0]


def table(tracks: Sequence[Any], audio: str, label: str = "") -> pd.DataFrame:
    """One row per track: path, label, track_id, and every other attribute of one value a track.

    `audio` is the attribute with the path; `label` that with the label, "" for the obvious one. The
    attribute `tempo` is the column bpm. A split into training, validation and test tracks is the
    column split, in the words of `split_by`. All columns are text, empty where a value is unknown.

    Raises UserError unless it is clear what the label is, and each track has at most one.
    """
    columns = {name: [_value(track, name) for track in tracks] for name in _single(tracks)}
    chosen = label or _obvious(tracks[0], columns)
    labels = _labels(tracks, chosen, columns)
    columns.pop(chosen, None)
    made: dict[str, list[str]] = {
        "path": [getattr(track, audio) for track in tracks],
        "label": labels,
        "track_id": [str(track.track_id) for track in tracks],
    }
    if "tempo" in columns:
        made["bpm"] = [*map(_bpm, columns.pop("tempo"))]
    for name in SPLITS:
        parts = [_text(value).lower() for value in columns.get(name, ())]
        if parts and set(parts) <= PARTS.keys() and "split" not in made:
            made["split"] = [PARTS[part] for part in parts]
            del columns[name]
    others = {k: v for k, v in columns.items() if k not in (*COLUMNS, *COMPUTED)}
    return pd.DataFrame(made | {k: [*map(_text, v)] for k, v in others.items()})


def _public(track: Any) -> list[str]:
    return [name for name in dir(track) if not name.startswith("_")]


def _value(track: Any, name: str) -> Any:
    """An attribute; None if it cannot be read."""
    try:
        return getattr(track, name)
    except FAILURES:
        return None


def _single(tracks: Sequence[Any]) -> list[str]:
    """The attributes with one value a track, but paths and audio; decided by some of the tracks."""
    found = []
    for name in _public(tracks[0]):
        if name == "track_id" or "audio" in name or re.search("path|file", name):
            continue
        known = False
        for track in tracks[:: max(len(tracks) // EXAMINED, 1)]:
            value = _value(track, name)
            if value is not None and not isinstance(value, ONE_VALUE):
                break
            known |= value is not None
        else:
            found += [name] if known else []
    return found


def _obvious(track: Any, columns: Mapping[str, Sequence[Any]]) -> str:
    """The attribute that is the label, if there is one that everybody would take."""
    named = [name for name in OBVIOUS if name in _public(track)]
    if len(named) == 1:
        return named[0]
    several = f"its tracks have several labels ({', '.join(named)})" if named else ""
    raise UserError(f"{several or 'it is not clear what the label is'}; {_choices(columns)}")


def _choices(columns: Mapping[str, Sequence[Any]]) -> str:
    """What to choose as the label: attributes that tracks share, with their numbers of values."""
    numbers = {
        name: len({_text(value) for value in values} - {""})
        for name, values in columns.items()
        if not any(isinstance(value, float | np.floating) for value in values)
    }
    n_tracks = max(map(len, columns.values()), default=0)
    texts = [f"{name} ({n} classes)" for name, n in numbers.items() if 2 <= n < n_tracks]
    if not texts:
        return "no attribute has one label a track; choose another data set"
    return f"choose LABEL=NAME, one of {listed(texts, MOST_NAMES)}"


def _labels(tracks: Sequence[Any], name: str, columns: Mapping[str, Sequence[Any]]) -> list[str]:
    """The label of each track, empty if it has none. Raises UserError if any has several."""
    if name not in _public(tracks[0]):
        close = difflib.get_close_matches(name, columns, n=1)
        hint = f"did you mean LABEL={close[0]}?" if close else _choices(columns)
        raise UserError(f"its tracks have no attribute {name}; {hint}")
    labels, several = [], []
    for track in tracks:
        value = _value(track, name)
        if isinstance(value, Mapping):
            value = [*value]
        if isinstance(value, list | tuple | set | np.ndarray):
            several += [track.track_id] if len(value) > 1 else []
            value = next(iter(value), None)
        elif not isinstance(value, ONE_VALUE | None):
            raise UserError(
                f"{name} is not a label but {type(value).__name__}; {_choices(columns)}"
            )
        labels.append(_text(value))
    if several:
        raise UserError(
            f"{len(several)} of {len(tracks)} tracks, for example {several[0]}, have several "
            f"values of {name}, and the workflow learns one label a track; {_choices(columns)}"
        )
    if not any(labels):
        raise UserError(f"none of its tracks has a value of {name}{_reason(tracks[0], name)}")
    return labels


def _reason(track: Any, name: str) -> str:
    """Why an attribute has no value, as its loader says it."""
    try:
        getattr(track, name)
    except FAILURES as reason:
        return f": {' '.join(str(reason).split())}"
    return "; choose another LABEL"


def _text(value: Any) -> str:
    """A value as text on one line."""
    return "" if value is None else " ".join(str(value).split())


def _bpm(value: Any) -> str:
    """A tempo as text; empty if it is not one."""
    try:
        bpm = float(value)
    except (TypeError, ValueError):
        return ""
    return f"{bpm:g}" if 0 < bpm < math.inf else ""
