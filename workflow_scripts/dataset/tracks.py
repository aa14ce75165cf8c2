"""The tracks of a data set: which files, of which class, at which tempo."""

import math
import os
import unicodedata
import warnings
from collections.abc import Callable
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from workflow_scripts.dataset.scan import existing_form, is_folder, scan
from workflow_scripts.errors import UserError


def class_folders(
    root: str,
    is_audio: Callable[[str], bool],
    tempi: Path | None = None,
    classes: dict[str, str] | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """Tracks of a folder that holds one sub-folder a class, at any depth below it.

    `is_audio` tells by its path whether a file is a track. A track's tempo is the number in
    `<stem>.bpm`, in the folder `tempi` or else beside the audio. `classes` renames folders; two
    folders of one name become one class, as do two forms of one Unicode text.

    Returns a frame with track_id (class/stem, made unique), label, path and, where a tempo is
    known, bpm, a row a track, sorted by path; and the paths of files that are neither audio nor
    tempi, or lie in no class folder.

    Raises UserError for a root without classes, a class without audio or a broken tempo.
    """
    found: dict[str, list[str]] = {
        entry.name: [] for entry in os.scandir(root) if is_folder(entry) and entry.name[0] != "."
    }
    if not found:
        raise UserError(
            f"{root} has neither sub-folders nor a tracks.csv; "
            "put each class's audio in a sub-folder of its own"
        )
    left_alone = []
    paths = {file.path for file in scan(root)}
    for path in sorted(paths):
        folder, separator, _ = os.path.relpath(path, root).partition(os.sep)
        if separator and is_audio(path):
            found[folder].append(path)
        elif not path.endswith(".bpm"):
            left_alone.append(path)
    if empty := sorted(folder for folder, files in found.items() if not files):
        raise UserError(
            f"the class folder {os.path.join(root, empty[0])} holds no audio; add some or remove "
            "the folder"
        )
    if tempi is not None:
        paths = {str(path) for path in tempi.iterdir()}
    columns: dict[str, list[Any]] = {"label": [], "path": [], "bpm": []}
    for folder, files in sorted(found.items()):
        label = unicodedata.normalize("NFC", (classes or {}).get(folder, folder))
        for path in files:
            beside = os.path.join(tempi or os.path.dirname(path), f"{_stem(path)}.bpm")
            columns["label"].append(label)
            columns["path"].append(path)
            columns["bpm"].append(_read_tempo(Path(beside)) if beside in paths else None)
    tracks = pd.DataFrame(columns)
    tracks.insert(0, "track_id", _track_ids(tracks))
    return tracks.dropna(axis="columns", how="all"), left_alone


def track_list(csv: Path) -> pd.DataFrame:
    """Tracks of a user's tracks.csv: columns path and label; track_id, bpm and others optional.

    Paths are relative to the folder of the file. Returns and raises as `class_folders`.
    """
    tracks = _read_list(csv)
    for column in ("path", "label"):
        if column not in tracks:
            raise UserError(
                f"{csv} has no column {column}; it needs path and label, with commas between them"
            )
    for column in (c for c in ("path", "label", "track_id") if c in tracks):
        if (empty := tracks[column] == "").any():
            raise UserError(f"{csv} line {int(empty.idxmax()) + 2} has no {column}; fill it in")
    for column in ("digest", "n_frames"):
        if column in tracks:
            raise UserError(f"{csv} has a column {column}, which the workflow computes; rename it")
    tracks["path"] = [existing_form(os.path.join(csv.parent, path)) for path in tracks["path"]]
    tracks["label"] = [unicodedata.normalize("NFC", label) for label in tracks["label"]]
    if "track_id" not in tracks:
        tracks["track_id"] = _track_ids(tracks)
    if (twice := tracks["track_id"].duplicated()).any():
        raise UserError(
            f"{csv} has several tracks of track_id {tracks['track_id'][twice].iloc[0]}; give each "
            "its own"
        )
    if "bpm" in tracks:
        tracks["bpm"] = [_tempo(bpm, f"{csv} line {i + 2}") for i, bpm in tracks["bpm"].items()]
    first = ["track_id", "label", "path"]
    return tracks[first + [c for c in tracks if c not in first]]


def shard_of(digest: str, n_shards: int) -> int:
    """The shard in 0 ... n_shards - 1 that holds the features of the audio of this digest."""
    return int(digest[:16], 16) % n_shards


def check_names(tracks: pd.DataFrame) -> None:
    """Raise UserError for text that cannot be written to a table and read back."""
    columns = [tracks[column] for column in tracks if column != "bpm"]
    for text in chain(tracks.columns, *columns):
        if "\r" in text or any("\udc80" <= character <= "\udcff" for character in text):
            raise UserError(
                f"{text!r} has a carriage return or bytes that are not UTF-8 in its name; rename it"
            )


def check_classes(tracks: pd.DataFrame, n_folds: int) -> None:
    """Raise UserError where the tracks cannot be spread over the folds."""
    sizes = tracks["label"].value_counts().sort_index()
    if len(sizes) < 2:
        named = "".join(f", {label}" for label in sizes.index)
        classes = "one class" if len(sizes) else "no class"
        raise UserError(f"the data set has {classes} only{named}; it needs two or more")
    small = [f"{label} ({n})" for label, n in sizes.items() if n < n_folds]
    if small:
        raise UserError(
            f"{n_folds} folds need {n_folds} tracks or more of each class, but there are fewer "
            f"of {', '.join(small)}; add tracks or lower folds"
        )


def check_group(tracks: pd.DataFrame, group_by: str) -> None:
    """Raise UserError where the tracks have no column of this name; an empty one asks for none."""
    if group_by and group_by not in tracks:
        raise UserError(
            f"group_by is {group_by}, but the tracks have no such column, only "
            f"{', '.join(tracks.columns)}"
        )


def _read_list(csv: Path) -> pd.DataFrame:
    """The table as text, its index the line of the file less two; blank lines are left out."""
    with csv.open("rb") as file:
        # To pandas a text ends where it has one.
        if any(b"\0" in block for block in iter(partial(file.read, 2**20), b"")):
            raise UserError(f"{csv} has NUL bytes, as UTF-16 has; save it as UTF-8")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(
                csv,
                dtype=str,
                keep_default_na=False,
                index_col=False,
                skip_blank_lines=False,
                encoding="utf-8-sig",
            )
            first = pd.read_csv(csv, header=None, nrows=1, dtype=str, encoding="utf-8-sig").iloc[0]
    except pd.errors.EmptyDataError:
        raise UserError(f"{csv} is empty; it needs the columns path and label") from None
    except pd.errors.ParserWarning:
        raise UserError(f"{csv} has a row with more fields than its first line") from None
    except (ValueError, pd.errors.ParserError) as failure:
        raise UserError(f"{csv} is not a readable CSV table in UTF-8: {failure}") from None
    # To a name that comes again pandas adds a number.
    if (twice := first[first.notna()].duplicated()).any():
        named = first[first.notna()][twice].iloc[0]
        raise UserError(f"{csv} has several columns {named}; rename all but one")
    table = table[(table != "").any(axis="columns")]
    if table.empty:
        raise UserError(f"{csv} lists no tracks; give each a line with path and label")
    return table


def _read_tempo(path: Path) -> float | None:
    return _tempo(path.read_text("utf-8-sig", errors="replace"), str(path))


def _tempo(text: str, where: str) -> float | None:
    if not text.strip():
        return None
    try:
        bpm = float(text)
    except ValueError:
        bpm = math.nan
    if not 0 < bpm < math.inf:
        raise UserError(f"{where}: the tempo {text.strip()!r} is not a positive number of BPM")
    return bpm


def _track_ids(tracks: pd.DataFrame) -> list[str]:
    """class/stem, made unique."""
    pairs = zip(tracks["label"], tracks["path"], strict=True)
    return _made_unique(
        [unicodedata.normalize("NFC", f"{label}/{_stem(path)}") for label, path in pairs]
    )


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]


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
