"""The tracks of a data set: which files, of which class, at which tempo."""

import hashlib
import math
import warnings
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.step import UserError

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".mp3"})

# Ballroom spreads one dance over three folders (FOLDER: CLASS); the paper counts it as one.
BALLROOM_CLASSES = {
    "Rumba-American": "Rumba",
    "Rumba-International": "Rumba",
    "Rumba-Misc": "Rumba",
}


def class_folders(
    root: Path, tempi: Path | None = None, classes: dict[str, str] | None = None
) -> pd.DataFrame:
    """Tracks of a folder that holds one sub-folder a class, at any depth below it.

    A track's tempo is the number in `<stem>.bpm`, in the folder `tempi` or else beside the
    audio. `classes` renames folders; two folders of one name become one class.

    Returns a frame with track_id (class/stem, made unique), label, path and, where a tempo is
    known, bpm; a row a track, sorted by path.

    Raises UserError for a root without classes, a class without audio or a broken tempo.
    """
    folders = sorted(d for d in root.iterdir() if d.is_dir() and not d.name.startswith("."))
    if not folders:
        raise UserError(
            f"{root} has neither sub-folders nor a tracks.csv; "
            "put each class's audio in a sub-folder of its own"
        )
    rows = []
    for folder in folders:
        files = sorted(p for p in folder.rglob("*") if _is_audio(p, folder))
        if not files:
            raise UserError(
                f"the class folder {folder} holds no audio "
                f"({', '.join(sorted(AUDIO_SUFFIXES))}); add some or remove the folder"
            )
        label = (classes or {}).get(folder.name, folder.name)
        for path in files:
            bpm = _read_tempo((tempi or path.parent) / f"{path.stem}.bpm")
            rows.append({"label": label, "path": str(path), "bpm": bpm})
    tracks = pd.DataFrame(rows)
    stems = [f"{row.label}/{Path(row.path).stem}" for row in tracks.itertuples()]
    tracks.insert(0, "track_id", _made_unique(stems))
    return tracks.dropna(axis="columns", how="all")


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
    if "digest" in tracks:
        raise UserError(f"{csv} has a column digest, which the workflow computes; rename it")
    tracks["path"] = [str(csv.parent / path) for path in tracks["path"]]
    missing = [path for path in tracks["path"] if not Path(path).is_file()]
    if missing:
        raise UserError(f"{csv} names {len(missing)} files that do not exist: {_few(missing)}")
    if "track_id" not in tracks:
        stems = [f"{row.label}/{Path(row.path).stem}" for row in tracks.itertuples()]
        tracks["track_id"] = _made_unique(stems)
    if (twice := tracks["track_id"].duplicated()).any():
        raise UserError(f"{csv} has several tracks of track_id {tracks['track_id'][twice].iloc[0]}")
    if "bpm" in tracks:
        tracks["bpm"] = [_tempo(bpm, f"{csv} line {i + 2}") for i, bpm in tracks["bpm"].items()]
    first = ["track_id", "label", "path"]
    return tracks[first + [c for c in tracks if c not in first]]


def digests(paths: Iterable[str], threads: int) -> list[str]:
    """SHA-256 of each file's content, in hexadecimal."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(_digest, paths))


def shard_of(digest: str, n_shards: int) -> int:
    """The shard in 0 ... n_shards - 1 that holds the features of the audio of this digest."""
    return int(digest[:16], 16) % n_shards


def check_names(tracks: pd.DataFrame) -> None:
    """Raise UserError for a path or label that cannot be written to a table and read back."""
    for text in [*tracks["path"], *tracks["label"]]:
        if "\r" in text or any("\udc80" <= character <= "\udcff" for character in text):
            raise UserError(
                f"{text!r} has a carriage return or bytes that are not UTF-8 in its name; rename it"
            )


def check_classes(tracks: pd.DataFrame, n_folds: int, group_by: str | None) -> None:
    """Raise UserError where the tracks cannot be spread over the folds."""
    sizes = tracks["label"].value_counts().sort_index()
    if len(sizes) < 2:
        raise UserError(f"the data set has one class only, {sizes.index[0]}; it needs two or more")
    small = [f"{label} ({n})" for label, n in sizes.items() if n < n_folds]
    if small:
        raise UserError(
            f"{n_folds} folds need {n_folds} tracks or more of each class, but there are fewer "
            f"of {', '.join(small)}; add tracks or lower folds"
        )
    if group_by is None:
        return
    if group_by not in tracks:
        raise UserError(
            f"group_by is {group_by}, but the tracks have no such column, only "
            f"{', '.join(tracks.columns)}"
        )
    n_groups = len(set(group_names(tracks[group_by])))
    if n_groups < n_folds:
        raise UserError(
            f"group_by {group_by} makes {n_groups} groups, too few for {n_folds} folds; lower folds"
        )


def group_names(column: pd.Series) -> np.ndarray:
    """The group of each track; a track without one is a group of its own."""
    alone = [f"\0{i}" for i in range(len(column))]
    return np.where(column.isna() | (column == ""), alone, column.astype(str))


def _read_list(csv: Path) -> pd.DataFrame:
    """The table as text, its index the line of the file less two; blank lines are left out."""
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
    except pd.errors.ParserWarning:
        raise UserError(f"{csv} has a row with more fields than its first line") from None
    except (ValueError, pd.errors.ParserError) as failure:
        raise UserError(f"{csv} is not a readable CSV table in UTF-8: {failure}") from None
    table = table[(table != "").any(axis="columns")]
    if table.empty:
        raise UserError(f"{csv} lists no tracks; give each a line with path and label")
    return table


def _is_audio(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not hidden and path.suffix.lower() in AUDIO_SUFFIXES and path.is_file()


def _digest(path: str) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_tempo(path: Path) -> float | None:
    return (
        _tempo(path.read_text("utf-8-sig", errors="replace"), str(path)) if path.is_file() else None
    )


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


def _few(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
