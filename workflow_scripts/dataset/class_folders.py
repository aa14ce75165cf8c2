"""The tracks of a folder with one sub-folder a class."""

import os
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from workflow_scripts.dataset.class_names import is_visible
from workflow_scripts.dataset.scan import is_folder, scan
from workflow_scripts.dataset.tracks import parse_tempo, stem, track_ids
from workflow_scripts.dataset.untidy_names import shown
from workflow_scripts.errors import UserError
from workflow_scripts.regular_files import open_regular

# Bytes of a .bpm file that are read.
LONGEST_TEMPO = 1000


def class_folders(
    root: str,
    is_audio: Callable[[str], bool],
    tempi: Path | None = None,
    classes: Mapping[str, str] | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """The tracks in a folder with one sub-folder per class, and the files that are ignored.

    `is_audio` returns whether the file at a path is a track; tracks may be at any depth below the
    class folder. The tempo of a track is the number in `<stem>.bpm`, in the folder `tempi` or, by
    default, beside the audio. `classes` maps folders to classes. Folders with equal names after
    this mapping and Unicode normalisation are one class.

    The tracks have one row each, sorted by path: track_id (class/stem, made unique), label, path
    and, if any tempo is known, bpm. Ignored are files that are neither audio nor tempi, and files
    outside class folders.

    Raises UserError if there is no class, a class has no audio or a tempo is invalid.
    """
    found = _empty_classes(root)
    paths = {file.path for file in scan(root)}
    ignored = _sort_into_classes(root, found, sorted(paths), is_audio)
    if tempi is not None:
        paths = {str(path) for path in tempi.iterdir()}
    rows = []
    for folder, files in sorted(found.items()):
        if not is_visible(folder):
            raise UserError(
                f"the class folder {shown(folder)} in {root} has a blank name; rename it"
            )
        label = unicodedata.normalize("NFC", (classes or {}).get(folder, folder))
        for path in files:
            bpm = os.path.join(tempi or os.path.dirname(path), f"{stem(path)}.bpm")
            rows.append((label, path, _read_tempo(Path(bpm)) if bpm in paths else None))
    tracks = pd.DataFrame(rows, columns=["label", "path", "bpm"])
    tracks.insert(0, "track_id", track_ids(tracks))
    return tracks.dropna(axis="columns", how="all"), ignored


def _empty_classes(root: str) -> dict[str, list[str]]:
    """An empty list of files for each class folder."""
    with os.scandir(root) as entries:
        found: dict[str, list[str]] = {
            entry.name: [] for entry in entries if is_folder(entry) and entry.name[0] != "."
        }
    if not found:
        raise UserError(
            f"{root} has neither sub-folders nor a tracks.csv; "
            "put the audio of each class in its own sub-folder"
        )
    return found


def _sort_into_classes(
    root: str, found: dict[str, list[str]], paths: list[str], is_audio: Callable[[str], bool]
) -> list[str]:
    """Add the audio files to their class folders in `found`; return the files that are ignored."""
    ignored = []
    for path in paths:
        folder, separator, _ = os.path.relpath(path, root).partition(os.sep)
        if separator and is_audio(path):
            # A folder may be new since the others were listed.
            found.setdefault(folder, []).append(path)
        elif not path.endswith(".bpm"):
            ignored.append(path)
    if empty := sorted(folder for folder, files in found.items() if not files):
        raise UserError(
            f"the class folder {os.path.join(root, empty[0])} contains no audio; add some or "
            "remove the folder"
        )
    return ignored


def _read_tempo(path: Path) -> float | None:
    try:
        with open_regular(path) as file:
            # Some files of /proc have nothing to read yet.
            text = file.read(LONGEST_TEMPO) or b""
    except OSError as failure:
        raise UserError(
            f"cannot read {path}: {failure.strerror}; put the tempo into it or remove it"
        ) from None
    return parse_tempo(text.decode("utf-8-sig", errors="replace"), str(path))
