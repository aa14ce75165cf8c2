"""Tracks that the user leaves out: `exclude` in config.yaml."""

import csv
import difflib
import hashlib
import io
import os
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from workflow_scripts.errors import UserError
from workflow_scripts.regular_files import open_regular

# The reason in skipped.csv.
EXCLUDED = "excluded"
# Columns of a CSV that name a track; the first that it has counts.
COLUMNS = ("track_id", "path")
COMMENT = "#"
# Bytes of a list, which every job reads again: a million names.
LARGEST = 100_000_000
# Unknown names that the error shows, each with this number of similar ones.
SHOWN, SIMILAR = 3, 2


def entries(exclude: str | Sequence[str] | None) -> list[str]:
    """The track ids and paths in `exclude`: a list of them, or the path of a file.

    A file with the suffix .csv has a column track_id or path; any other has one track a line, and
    may have blank lines and lines that start with #. Raises UserError if the file cannot be read.
    """
    if exclude is None:
        return []
    found = _in_file(Path(exclude)) if isinstance(exclude, str) else exclude
    return sorted({*map(_normal, found)} - {""})


def digest(exclude: str | Sequence[str] | None) -> str:
    """A digest of the `entries`, whatever their order and their file; empty if there are none."""
    found = entries(exclude)
    return hashlib.sha256("\n".join(found).encode()).hexdigest()[:16] if found else ""


def excluded(tracks: pd.DataFrame, names: Sequence[str], audio: Path) -> pd.Series:
    """Whether each of `tracks` (track_id, path) is named, bool, indexed as `tracks`.

    A path is that in tracks.csv or relative to the folder `audio`. Raises UserError for names of
    no track.
    """
    paths = tracks["path"]
    relative = [os.path.relpath(path, audio) for path in paths] if names else paths
    forms = [tracks["track_id"], paths, pd.Series(relative, index=tracks.index, dtype=object)]
    normal = [form.map(_normal) for form in forms]
    if unknown := sorted(set(names).difference(*normal)):
        raise UserError(_unknown(unknown, tracks["track_id"]))
    named = pd.Series(False, index=tracks.index)
    for form in normal:
        named |= form.isin(names)
    return named


def _normal(name: str) -> str:
    """A name without what differs between file systems and editors."""
    return unicodedata.normalize("NFC", name.strip())


def _unknown(names: Sequence[str], track_ids: Iterable[str]) -> str:
    known = [*track_ids]
    one = len(names) == 1
    shown = []
    for name in names[:SHOWN]:
        similar = difflib.get_close_matches(name, known, SIMILAR)
        shown.append(f"{name!r}" + (f" (similar: {', '.join(similar)})" if similar else ""))
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (
        f"exclude names {'a track' if one else f'{len(names)} tracks'} that the data set does not "
        f"have: {', '.join(shown)}{rest}; correct {'it' if one else 'them'}, as in the columns "
        "track_id and path of tracks.csv, or remove "
        f"{'it' if one else 'them'}"
    )


def _in_file(path: Path) -> Iterable[str]:
    try:
        with open_regular(path) as file:
            content = file.read(LARGEST + 1) or b""
    except OSError as failure:
        raise UserError(
            f"cannot read exclude {path}: {failure.strerror}; check the path and its permissions"
        ) from None
    if len(content) > LARGEST:
        raise UserError(
            f"exclude {path} is larger than {LARGEST // 10**6} MB; give a list of tracks"
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"exclude {path} is not text in UTF-8; save it as UTF-8") from None
    if path.suffix.lower() == ".csv":
        return _in_csv(path, text)
    return [line for line in text.split("\n") if not line.lstrip().startswith(COMMENT)]


def _in_csv(path: Path, text: str) -> list[str]:
    table = csv.DictReader(io.StringIO(text, newline=""))
    column = next((name for name in COLUMNS if name in (table.fieldnames or ())), None)
    if column is not None:
        return [row[column] or "" for row in table]
    raise UserError(
        f"exclude {path} has no column {' or '.join(COLUMNS)}; name one of its columns so, or give "
        "a .txt file with a track a line"
    )
